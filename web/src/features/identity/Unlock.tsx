import { Button, Divider, Stack } from '@mantine/core';
import { IconFingerprint } from '@tabler/icons-react';
import { useState, type SubmitEvent } from 'react';
import { useClient, type KnownAccount, type LockState } from '../../circle';
import { ErrorLine, useAction } from '../../ui';
import { Account } from './Account';
import { PasswordField } from './fields';
import { FrontPage } from './FrontPage';

interface UnlockProps {
  account: KnownAccount | null;
  /** What opens this browser; null where it could not be told, and then the password is asked for. */
  lock: LockState | null;
  onOther: () => void;
}

/** This browser holds the account's keys, wrapped: the password, its own passphrase or a passkey opens them. */
export function Unlock({ account, lock, onOther }: UnlockProps) {
  const client = useClient();
  const [password, setPassword] = useState('');
  const unlock = useAction(() => client.unlock(password));
  const byPasskey = useAction(() => client.locking.unlockWithPasskey());
  const passkey = lock?.passkey === true;
  const passphrase = lock?.passphrase === true;

  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    byPasskey.clear();
    void unlock.run();
  };
  const tap = () => {
    unlock.clear();
    void byPasskey.run();
  };
  return (
    <FrontPage
      title="Welcome back"
      lead={`Your messages are locked on this browser. ${passkey ? `Your passkey or your ${passphrase ? 'passphrase' : 'password'} opens them.` : passphrase ? 'The passphrase of this browser opens them.' : 'Your password opens them.'}`}
    >
      <form onSubmit={submit} aria-label="Unlock">
        <Stack gap="md">
          {account && <Account account={account} />}
          {passkey && (
            <>
              <Button fullWidth autoFocus loading={byPasskey.busy} disabled={unlock.busy} onClick={tap} leftSection={<IconFingerprint size={20} stroke={1.7} aria-hidden="true" />}>
                Unlock with passkey
              </Button>
              <ErrorLine>{byPasskey.error}</ErrorLine>
              <Divider label="or" />
            </>
          )}
          {/* For password managers, which need to know whose password this is. */}
          <input className="visually-hidden" type="text" autoComplete="username" value={account?.handle ?? ''} readOnly tabIndex={-1} aria-hidden="true" />
          <PasswordField
            label={passphrase ? 'Passphrase of this browser' : 'Password'}
            required
            withAsterisk={false}
            autoFocus={!passkey}
            autoComplete={passphrase ? 'off' : 'current-password'}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          <ErrorLine>{unlock.error}</ErrorLine>
          <Button type="submit" fullWidth variant={passkey ? 'default' : 'filled'} loading={unlock.busy} disabled={byPasskey.busy}>
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
