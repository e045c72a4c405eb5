import { PasswordInput, TextInput, type PasswordInputProps, type TextInputProps } from '@mantine/core';

/** A password field whose eye button says what it does without the word 'password' in the way of the label. */
export function PasswordField(props: PasswordInputProps) {
  return <PasswordInput {...props} visibilityToggleButtonProps={{ 'aria-label': 'Show what I typed', tabIndex: 0 }} />;
}

export function HandleField(props: TextInputProps) {
  return (
    <TextInput
      {...props}
      leftSection={<span aria-hidden="true">@</span>}
      autoCapitalize="none"
      autoCorrect="off"
      spellCheck={false}
      autoComplete="username"
    />
  );
}
