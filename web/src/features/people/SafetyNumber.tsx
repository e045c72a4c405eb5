import { Button, Skeleton } from '@mantine/core';
import { IconAlertTriangleFilled, IconCamera, IconCheck } from '@tabler/icons-react';
import { useState } from 'react';
import { useClient, type Person, type SafetyNumber as Numbers } from '../../circle';
import { ErrorLine, QrCode, useAction, type Loaded } from '../../ui';
import { Compare } from './Compare';
import { firstName, spokenDigits } from './model';
import classes from './People.module.css';
import { VerifiedMark } from './VerifiedMark';

interface SafetyNumberProps {
  person: Person;
  verified: boolean;
  number: Loaded<Numbers>;
}

/** The digits that two people compare, and the mark that one keeps when they were the same. */
export function SafetyNumber({ person, verified, number }: SafetyNumberProps) {
  const client = useClient();
  const [comparing, setComparing] = useState(false);
  const name = firstName(person);
  const mark = useAction(async (on: boolean) => {
    await client.trust.setVerified(person.id, on);
    number.again();
  });
  const found = () => {
    setComparing(false);
    number.again();
  };
  const changed = number.value?.identityChanged === true;
  return (
    <section className={classes.part} aria-label="Safety number">
      <h3>
        Safety number
        <span role="status" className={classes.state}>
          {number.value && (verified ? 'Verified' : 'Not compared yet')}
        </span>
      </h3>
      {changed && !verified && <Changed person={person} />}
      <p>
        These sixty digits belong to the two of you. Compare them where you can be sure that it is {name}: side by side, or on a call. If both of you see the same
        digits, nobody has come in between, not even the server.
      </p>
      {comparing ? (
        <Compare person={person} onFound={found} onCancel={() => setComparing(false)} />
      ) : (
        <>
          <Digits number={number.value} loading={number.loading} />
          <ErrorLine onRetry={number.again}>{number.error}</ErrorLine>
          {number.value && (
            <Actions verified={verified} name={name} busy={mark.busy} onCompare={() => setComparing(true)} onMark={(on) => void mark.run(on)} />
          )}
          <ErrorLine>{mark.error}</ErrorLine>
        </>
      )}
    </section>
  );
}

function Changed({ person }: { person: Person }) {
  return (
    <div className={classes.warning}>
      <IconAlertTriangleFilled size={19} aria-hidden="true" />
      <div>
        <strong>This is a new number</strong>
        <p>
          {person.displayName} began anew with a new identity, as one does after losing every device. It would look the same if somebody else had taken over the account:
          compare the new number before you trust it.
        </p>
      </div>
    </div>
  );
}

function Digits({ number, loading }: { number: Numbers | undefined; loading: boolean }) {
  if (!number) return loading ? <Skeleton height={132} radius="md" role="status" aria-label="Loading the safety number" /> : null;
  return (
    <div className={classes.number}>
      <ol className={classes.groups} aria-label="Safety number">
        {number.groups.map((group, index) => (
          <li key={index}>
            <span aria-hidden="true">{group}</span>
            <span className="visually-hidden">{spokenDigits(group)}</span>
          </li>
        ))}
      </ol>
      <QrCode text={number.qr} label="Safety number as a QR code" size={148} />
    </div>
  );
}

interface ActionsProps {
  verified: boolean;
  name: string;
  busy: boolean;
  onCompare: () => void;
  onMark: (verified: boolean) => void;
}

function Actions({ verified, name, busy, onCompare, onMark }: ActionsProps) {
  if (verified) {
    return (
      <div className={classes.verified}>
        <VerifiedMark size={22} />
        <p>You have verified {name}. If the number ever changes, this mark goes and Circle tells you.</p>
        <Button variant="subtle" size="compact-sm" loading={busy} onClick={() => onMark(false)}>
          Undo
        </Button>
      </div>
    );
  }
  return (
    <div className={classes.actions}>
      <Button variant="default" size="sm" leftSection={<IconCamera size={17} aria-hidden="true" />} onClick={onCompare}>
        Compare by camera
      </Button>
      <Button size="sm" leftSection={<IconCheck size={17} aria-hidden="true" />} loading={busy} onClick={() => onMark(true)}>
        Mark as verified
      </Button>
    </div>
  );
}
