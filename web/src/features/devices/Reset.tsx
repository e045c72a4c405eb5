import { Button, Stack } from '@mantine/core';
import { IconArrowBackUp, IconMessageOff, IconUsersGroup, type Icon } from '@tabler/icons-react';
import { useState, type ReactNode, type SubmitEvent } from 'react';
import { useClient, useMe, type PendingRecoveryKey } from '../../circle';
import { Confirm, ErrorLine, useAction } from '../../ui';
import { FrontPage, HandleField, KeyCeremony, normalHandle, PasswordField } from '../identity';
import classes from './Reset.module.css';

type Step = { name: 'explain' } | { name: 'prove' } | { name: 'key'; pending: PendingRecoveryKey };

/** All devices and the recovery key are lost: the same account begins anew with new keys. Nothing happens before the very last step. */
export function Reset({ onBack }: { onBack: () => void }) {
  const client = useClient();
  const me = useMe();
  const [step, setStep] = useState<Step>({ name: 'explain' });
  const finish = useAction((pending: PendingRecoveryKey) => client.recovery.confirmReset(pending));

  if (step.name === 'explain') return <Explain onBack={onBack} onNext={() => setStep({ name: 'prove' })} />;
  if (step.name === 'prove') return <Prove onBack={() => setStep({ name: 'explain' })} onProven={(pending) => setStep({ name: 'key', pending })} />;
  return (
    <KeyCeremony
      words={step.pending.words}
      handle={me?.handle ?? ''}
      lead={
        <p>
          These 24 words belong to your new beginning. Save them well this time: with them you would not have lost anything. <strong>Your account begins anew as soon as you have confirmed them.</strong>
        </p>
      }
      finish="Begin anew"
      busy={finish.busy}
      error={finish.error}
      onConfirmed={() => void finish.run(step.pending)}
    />
  );
}

function Explain({ onBack, onNext }: { onBack: () => void; onNext: () => void }) {
  return (
    <FrontPage
      title="Begin anew"
      lead="If you have no device with your messages and no recovery key, nobody can bring the messages back: not you, not the people who run this Circle. You can keep your account and begin anew."
    >
      <ul className={classes.points}>
        <Point icon={IconMessageOff} title="Your messages are lost">
          You will not read anything that was written to you so far. Others keep what they have.
        </Point>
        <Point icon={IconUsersGroup} title="Everyone you write with is told">
          They see that you began anew with a new identity. In each conversation somebody has to let you in again, and will want to make sure that it is you.
        </Point>
        <Point icon={IconArrowBackUp} title="It cannot be taken back">
          Your old devices and your old recovery key end for good, also if you find them later. Do you still have an old phone, another browser, a drawer? Look there first.
        </Point>
      </ul>
      <Stack gap="xs">
        <Button fullWidth onClick={onBack}>
          Go back and look again
        </Button>
        <Button fullWidth variant="subtle" color="red" onClick={onNext}>
          I have nothing left, go on
        </Button>
      </Stack>
    </FrontPage>
  );
}

function Point({ icon: PointIcon, title, children }: { icon: Icon; title: string; children: ReactNode }) {
  return (
    <li>
      <PointIcon size={22} stroke={1.7} aria-hidden="true" />
      <div>
        <strong>{title}</strong>
        <p>{children}</p>
      </div>
    </li>
  );
}

function Prove({ onBack, onProven }: { onBack: () => void; onProven: (pending: PendingRecoveryKey) => void }) {
  const client = useClient();
  const me = useMe();
  const [handle, setHandle] = useState('');
  const [password, setPassword] = useState('');
  const [tried, setTried] = useState(false);
  const [asking, setAsking] = useState(false);
  const make = useAction(async () => onProven(await client.recovery.reset(password)));
  const problems = {
    handle: normalHandle(handle) === (me?.handle ?? '') ? null : 'This is not your handle. Please type the one that you signed in with.',
    password: password === '' ? 'Please type your password.' : null,
  };
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    setTried(true);
    const first = problems.handle !== null ? 'handle' : problems.password !== null ? 'password' : null;
    if (first === null) setAsking(true);
    else event.currentTarget.querySelector<HTMLInputElement>(`[name="${first}"]`)?.focus();
  };
  return (
    <FrontPage title="Is it really you?" lead={`To begin anew, type your handle${me ? `, @${me.handle},` : ''} and your password. Nothing is changed yet.`}>
      <form onSubmit={submit} noValidate aria-label="Begin anew">
        <Stack gap="md">
          <HandleField
            name="handle"
            label="Your handle"
            autoFocus
            value={handle}
            onChange={(event) => setHandle(event.currentTarget.value)}
            error={tried ? problems.handle : null}
          />
          <PasswordField
            name="password"
            label="Password"
            autoComplete="current-password"
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            error={tried ? problems.password : null}
          />
          {!asking && <ErrorLine>{make.error}</ErrorLine>}
          <Button type="submit" color="red" fullWidth>
            Give up my messages and begin anew
          </Button>
          <Button variant="subtle" fullWidth onClick={onBack}>
            Back
          </Button>
        </Stack>
      </form>
      <Confirm opened={asking} onClose={() => setAsking(false)} title="Give up all your messages?" confirm="Yes, begin anew" action={make}>
        <p>Once your new recovery key is confirmed, everything that you could read until today is lost for good.</p>
        <p>This is the last time that you are asked.</p>
      </Confirm>
    </FrontPage>
  );
}
