import { Button, Stack } from '@mantine/core';
import { useState, type SubmitEvent } from 'react';
import { useClient } from '../../circle';
import { ErrorLine, useAction } from '../../ui';
import { HandleField, PasswordField } from './fields';
import { FrontPage } from './FrontPage';
import { normalHandle } from './model';

interface SignInProps {
  handle?: string;
  onBack?: (() => void) | undefined;
}

/** Handle and password. Leads to the conversations, or to the explanation where the keys are. */
export function SignIn({ handle: known = '', onBack }: SignInProps) {
  const client = useClient();
  const [handle, setHandle] = useState(known);
  const [password, setPassword] = useState('');
  const signIn = useAction(() => client.signIn({ handle: normalHandle(handle), password }));

  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    void signIn.run();
  };
  return (
    <FrontPage title="Sign in to Circle" lead="New here? Open the invitation link that someone in this Circle gave you.">
      <form onSubmit={submit} aria-label="Sign in">
        <Stack gap="md">
          <HandleField label="Handle" required withAsterisk={false} autoFocus={known === ''} value={handle} onChange={(event) => setHandle(event.currentTarget.value)} />
          <PasswordField
            label="Password"
            required
            withAsterisk={false}
            autoFocus={known !== ''}
            autoComplete="current-password"
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          <ErrorLine>{signIn.error}</ErrorLine>
          <Button type="submit" fullWidth loading={signIn.busy}>
            Sign in
          </Button>
          {onBack && (
            <Button variant="subtle" fullWidth onClick={onBack}>
              Back
            </Button>
          )}
        </Stack>
      </form>
    </FrontPage>
  );
}
