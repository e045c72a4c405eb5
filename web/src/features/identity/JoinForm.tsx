import { Button, Stack, TextInput } from '@mantine/core';
import { useState, type SubmitEvent } from 'react';
import { ErrorLine } from '../../ui';
import { HandleField, PasswordField } from './fields';
import classes from './Join.module.css';
import { handleProblem, nameProblem, passwordProblem, repeatProblem, suggestHandle } from './model';

export interface JoinValues {
  displayName: string;
  handle: string;
  password: string;
}

interface JoinFormProps {
  submitLabel: string;
  busy: boolean;
  error: string | null;
  onSubmit: (values: JoinValues) => void;
}

/** Name, handle, password. Problems show beside their field once one has tried to go on. */
export function JoinForm({ submitLabel, busy, error, onSubmit }: JoinFormProps) {
  const [displayName, setDisplayName] = useState('');
  const [ownHandle, setOwnHandle] = useState<string | null>(null);
  const [password, setPassword] = useState('');
  const [repeat, setRepeat] = useState('');
  const [tried, setTried] = useState(false);

  // The handle follows the name until one types a handle of one's own.
  const handle = ownHandle ?? suggestHandle(displayName);
  const problems = {
    name: nameProblem(displayName),
    handle: handleProblem(handle),
    password: passwordProblem(password),
    repeat: repeatProblem(password, repeat),
  };
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    setTried(true);
    const first = Object.entries(problems).find(([, problem]) => problem !== null)?.[0];
    if (first === undefined) onSubmit({ displayName, handle, password });
    else event.currentTarget.querySelector<HTMLInputElement>(`[name="${first}"]`)?.focus();
  };
  const shown = (name: keyof typeof problems) => (tried ? problems[name] : null);

  return (
    <form onSubmit={submit} noValidate aria-label="Your account">
      <Stack gap="md">
        <TextInput
          name="name"
          label="Your name"
          description="Others see it beside your messages."
          autoComplete="name"
          autoFocus
          value={displayName}
          onChange={(event) => setDisplayName(event.currentTarget.value)}
          error={shown('name')}
        />
        <HandleField
          name="handle"
          label="Handle"
          description="You sign in with it, and others find you by it."
          value={handle}
          onChange={(event) => setOwnHandle(event.currentTarget.value)}
          error={shown('handle')}
        />
        <PasswordField
          name="password"
          label="Password"
          description="At least 10 characters. It never leaves this browser."
          autoComplete="new-password"
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
          error={shown('password')}
        />
        <PasswordField
          name="repeat"
          label="Type it again"
          autoComplete="new-password"
          value={repeat}
          onChange={(event) => setRepeat(event.currentTarget.value)}
          error={shown('repeat')}
        />
        <ErrorLine>{error}</ErrorLine>
        <Button type="submit" fullWidth loading={busy}>
          {submitLabel}
        </Button>
        <p className={classes.making} role="status" hidden={!busy}>
          {busy && 'Making your keys on this browser. This takes a few seconds.'}
        </p>
      </Stack>
    </form>
  );
}
