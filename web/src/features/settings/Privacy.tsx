import { Skeleton, Switch } from '@mantine/core';
import { IconChecks, IconCircleCheck, IconUserCircle, type Icon } from '@tabler/icons-react';
import { useId, useRef, useState } from 'react';
import { useCircle, useClient, type PrivacySettings } from '../../circle';
import { ErrorLine, useAction } from '../../ui';
import classes from './Settings.module.css';
import { SettingsPage } from './SettingsPage';

interface Choice {
  of: keyof PrivacySettings;
  icon: Icon;
  name: string;
  means: string;
}

const CHOICES: Choice[] = [
  {
    of: 'presence',
    icon: IconUserCircle,
    name: 'Show when I am online',
    means: 'People in your conversations see whether you are online and when you were last here; if you turn this off, you do not see when they were last here either.',
  },
  { of: 'readReceipts', icon: IconCircleCheck, name: 'Send read receipts', means: 'People see that you have read their messages.' },
  { of: 'deliveryReceipts', icon: IconChecks, name: 'Send delivery receipts', means: 'People see that their messages have reached one of your devices, before you read them.' },
];

/** What others learn besides messages: three switches, each of which counts at once. */
export function Privacy() {
  return (
    <SettingsPage title="Privacy" lead="What others learn about you besides what you write. It counts on all of your devices, from the moment you change it.">
      <ul className={classes.pages} aria-label="What others see">
        {CHOICES.map((choice) => (
          <PrivacySwitch key={choice.of} choice={choice} />
        ))}
      </ul>
      <p className={classes.line}>There are no receipts in channels and in groups of more than 50 people.</p>
    </SettingsPage>
  );
}

function PrivacySwitch({ choice: { of, icon: ChoiceIcon, name, means } }: { choice: Choice }) {
  const client = useClient();
  const id = useId();
  const stored = useCircle((state) => state.privacy?.[of] ?? null);
  const offline = useCircle((state) => state.connection === 'offline');
  /** What was just chosen, until it is stored or refused. */
  const [chosen, setChosen] = useState<boolean | null>(null);
  /** Whoever changes their mind while it is being stored is heard as well. */
  const next = useRef<boolean | null>(null);
  const save = useAction(async () => {
    try {
      while (next.current !== null) {
        const wanted = next.current;
        next.current = null;
        await client.setPrivacy({ [of]: wanted });
      }
    } finally {
      next.current = null;
      setChosen(null);
    }
  });
  const choose = (wanted: boolean) => {
    next.current = wanted;
    setChosen(wanted);
    void save.run();
  };
  const value = chosen ?? stored;
  return (
    <li className={classes.setting}>
      <span className={classes.symbol} aria-hidden="true">
        <ChoiceIcon size={21} stroke={1.7} />
      </span>
      {value === null ? (
        <div className={classes.about}>
          <strong>{name}</strong>
          {offline ? <span>You are offline, and this device does not know what is set.</span> : <Skeleton height={16} width={180} mt={4} radius="sm" aria-label="Loading" />}
        </div>
      ) : (
        <>
          <div className={classes.about}>
            <label htmlFor={id}>
              <strong>{name}</strong>
            </label>
            <span id={`${id}-means`}>{means}</span>
            <ErrorLine>{save.error === null ? null : `This was not saved. ${save.error}`}</ErrorLine>
          </div>
          <Switch
            id={id}
            size="md"
            aria-label={name}
            aria-describedby={`${id}-means`}
            aria-busy={save.busy}
            checked={value}
            onChange={(event) => choose(event.currentTarget.checked)}
          />
        </>
      )}
    </li>
  );
}
