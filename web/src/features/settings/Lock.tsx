import { Button, Select, Stack } from '@mantine/core';
import { IconFingerprint, IconLock, IconPassword } from '@tabler/icons-react';
import { useState, type ReactNode } from 'react';
import { useClient, type LockState } from '../../circle';
import { Confirm, ErrorLine, Section, useAction, useLoaded } from '../../ui';
import { RowSkeleton } from '../identity';
import classes from './Lock.module.css';
import { PassphraseForm } from './PassphraseForm';
import { SettingsPage } from './SettingsPage';

const IDLE: { value: string; label: string }[] = [
  { value: 'never', label: 'Never by itself' },
  { value: '1', label: 'After 1 minute' },
  { value: '5', label: 'After 5 minutes' },
  { value: '15', label: 'After 15 minutes' },
  { value: '60', label: 'After 1 hour' },
  { value: '480', label: 'After 8 hours' },
];

/** How this browser is locked: when, and what opens it. */
export function Lock() {
  const client = useClient();
  const lock = useLoaded('lock', () => client.locking.state());
  const now = useAction(() => client.lock());
  return (
    <SettingsPage title="Lock" lead="A locked Circle shows nothing: what this browser holds is encrypted until it is opened again. All of this is about this browser alone.">
      {lock.loading && <RowSkeleton rows={3} label="Loading" />}
      {lock.error !== null && (
        <div className={classes.problem}>
          <ErrorLine onRetry={lock.again}>{lock.error}</ErrorLine>
        </div>
      )}
      {lock.value && (
        <>
          <Idle minutes={lock.value.idleMinutes} onChanged={lock.again} />
          <Section title="What opens it">
            <ul className={classes.rows} aria-label="What opens this browser">
              <Passkey lock={lock.value} onChanged={lock.again} />
              <Passphrase set={lock.value.passphrase} onChanged={lock.again} />
            </ul>
          </Section>
        </>
      )}
      <Section title="Lock now" lead="Your password, or what you have chosen above, opens Circle again.">
        <Stack gap="sm" align="flex-start">
          <Button variant="default" leftSection={<IconLock size={18} aria-hidden="true" />} loading={now.busy} onClick={() => void now.run()}>
            Lock
          </Button>
          <ErrorLine>{now.error}</ErrorLine>
        </Stack>
      </Section>
    </SettingsPage>
  );
}

function Idle({ minutes, onChanged }: { minutes: number | null; onChanged: () => void }) {
  const client = useClient();
  const value = minutes === null ? 'never' : String(minutes);
  const set = useAction(async (chosen: string) => {
    await client.locking.setIdleMinutes(chosen === 'never' ? null : Number(chosen));
    onChanged();
  });
  const other = IDLE.some((one) => one.value === value) ? [] : [{ value, label: `After ${value} minutes` }];
  return (
    <Section title="When it locks">
      <Stack gap="sm">
        <Select
          label="Without use, Circle locks"
          data={[...IDLE, ...other]}
          value={value}
          onChange={(chosen) => chosen !== null && void set.run(chosen)}
          allowDeselect={false}
          disabled={set.busy}
          size="md"
          className={classes.idle}
        />
        <ErrorLine>{set.error}</ErrorLine>
      </Stack>
    </Section>
  );
}

interface RowProps {
  icon: ReactNode;
  name: string;
  detail: string;
  children: ReactNode;
  error: string | null;
}

function Row({ icon, name, detail, children, error }: RowProps) {
  return (
    <li className={classes.row}>
      <span className={classes.icon} aria-hidden="true">
        {icon}
      </span>
      <div className={classes.text}>
        <strong>{name}</strong>
        <span>{detail}</span>
      </div>
      <div className={classes.buttons}>{children}</div>
      {error !== null && (
        <div className={classes.trouble}>
          <ErrorLine>{error}</ErrorLine>
        </div>
      )}
    </li>
  );
}

function Passkey({ lock, onChanged }: { lock: LockState; onChanged: () => void }) {
  const client = useClient();
  const [asking, setAsking] = useState(false);
  const add = useAction(async () => {
    await client.locking.addPasskey();
    onChanged();
  });
  const remove = useAction(async () => {
    await client.locking.removePasskey();
    onChanged();
  });
  const detail = lock.passkey
    ? 'Your fingerprint, face, PIN or security key opens Circle on this browser.'
    : lock.canUsePasskey
      ? 'Open Circle with your fingerprint, face, PIN or security key.'
      : 'This browser, or its passkeys, cannot be used for this.';
  return (
    <Row icon={<IconFingerprint size={21} stroke={1.7} />} name="Passkey" detail={detail} error={add.error}>
      {lock.passkey ? (
        <Button variant="default" size="sm" aria-label="Remove the passkey" onClick={() => setAsking(true)}>
          Remove
        </Button>
      ) : (
        lock.canUsePasskey && (
          <Button variant="default" size="sm" aria-label="Add a passkey" loading={add.busy} onClick={() => void add.run()}>
            Add
          </Button>
        )
      )}
      <Confirm opened={asking} onClose={() => setAsking(false)} title="Remove the passkey?" confirm="Remove the passkey" action={remove} danger={false}>
        <p>Your {lock.passphrase ? 'passphrase' : 'password'} still opens Circle on this browser.</p>
      </Confirm>
    </Row>
  );
}

function Passphrase({ set, onChanged }: { set: boolean; onChanged: () => void }) {
  const client = useClient();
  const [editing, setEditing] = useState(false);
  const [asking, setAsking] = useState(false);
  const remove = useAction(async () => {
    await client.locking.setPassphrase(null);
    onChanged();
  });
  return (
    <>
      <Row
        icon={<IconPassword size={21} stroke={1.7} />}
        name="Passphrase of this browser"
        detail={set ? 'Asked for at every start and reload, in place of your password.' : 'Asked for at every start and reload, in place of your password. For computers that others use too.'}
        error={null}
      >
        <Button variant="default" size="sm" aria-label={set ? 'Change the passphrase' : 'Set a passphrase'} onClick={() => setEditing(true)}>
          {set ? 'Change' : 'Set'}
        </Button>
        {set && (
          <Button variant="default" size="sm" aria-label="Remove the passphrase" onClick={() => setAsking(true)}>
            Remove
          </Button>
        )}
      </Row>
      <PassphraseForm opened={editing} onClose={() => setEditing(false)} onDone={onChanged} />
      <Confirm opened={asking} onClose={() => setAsking(false)} title="Remove the passphrase?" confirm="Remove the passphrase" action={remove} danger={false}>
        <p>From now on your password opens Circle on this browser, and a reload asks for nothing while you are signed in.</p>
      </Confirm>
    </>
  );
}
