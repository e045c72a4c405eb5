import { Button, Stack } from '@mantine/core';
import { useState, type SubmitEvent } from 'react';
import { useClient } from '../../circle';
import { Avatar, ErrorLine, useAction } from '../../ui';
import classes from './Unlock.module.css';
import { PasswordField } from './fields';
import { FrontPage } from './FrontPage';

interface UnlockProps {
  account: { handle: string; displayName: string } | null;
  onOther: () => void;
}

/** This browser holds the account's keys, wrapped: the password opens them. */
export function Unlock({ account, onOther }: UnlockProps) {
  const client = useClient();
  const [password, setPassword] = useState('');
  const unlock = useAction(() => client.unlock(password));

  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    void unlock.run();
  };
  return (
    <FrontPage title="Welcome back" lead="Your messages are locked on this browser. Your password opens them.">
      <form onSubmit={submit} aria-label="Unlock">
        <Stack gap="md">
          {account && (
            <div className={classes.account}>
              <Avatar id={account.handle} name={account.displayName} size={44} />
              <div className={classes.names}>
                <strong>{account.displayName}</strong>
                <span>@{account.handle}</span>
              </div>
            </div>
          )}
          {/* For password managers, which need to know whose password this is. */}
          <input className="visually-hidden" type="text" autoComplete="username" value={account?.handle ?? ''} readOnly tabIndex={-1} aria-hidden="true" />
          <PasswordField
            label="Password"
            required
            withAsterisk={false}
            autoFocus
            autoComplete="current-password"
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          <ErrorLine>{unlock.error}</ErrorLine>
          <Button type="submit" fullWidth loading={unlock.busy}>
            Unlock
          </Button>
          <Button variant="subtle" fullWidth onClick={onOther}>
            Use another account
          </Button>
        </Stack>
      </form>
    </FrontPage>
  );
}
