import { Skeleton, Switch } from '@mantine/core';
import { useRef, useState } from 'react';
import { useCircle, useClient, type PrivacySettings } from '../../circle';
import { ErrorLine, Section, useAction } from '../../ui';
import classes from './Settings.module.css';
import { SettingsPage } from './SettingsPage';

interface Choice {
  of: keyof PrivacySettings;
  name: string;
  means: string;
}

const PRESENCE: Choice = {
  of: 'presence',
  name: 'Show when I am online',
  means: 'People in your conversations see whether you are online and when you were last here; if you turn this off, you do not see when they were last here either.',
};
const RECEIPTS: Choice[] = [
  { of: 'readReceipts', name: 'Send read receipts', means: 'People see that you have read their messages.' },
  { of: 'deliveryReceipts', name: 'Send delivery receipts', means: 'People see that their messages have reached one of your devices, before you read them.' },
];

/** What others learn besides messages: three switches, each of which counts at once. */
export function Privacy() {
  return (
    <SettingsPage title="Privacy" lead="What others learn about you besides what you write. This counts on all of your devices, from the moment you change it.">
      <Section title="Presence">
        <PrivacySwitch choice={PRESENCE} />
      </Section>
      <Section title="Receipts" lead="In channels and in groups of more than 50 people nobody is told anything, whatever is set here.">
        <div className={classes.switches}>
          {RECEIPTS.map((choice) => (
            <PrivacySwitch key={choice.of} choice={choice} />
          ))}
        </div>
      </Section>
    </SettingsPage>
  );
}

function PrivacySwitch({ choice: { of, name, means } }: { choice: Choice }) {
  const client = useClient();
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
  if (value === null) return offline ? <p className={classes.unknown}>{name}: you are offline, and this device does not know what is set.</p> : <Skeleton height={44} radius="md" aria-label="Loading" />;
  return (
    <div className={classes.setting}>
      <Switch
        label={name}
        description={means}
        checked={value}
        onChange={(event) => choose(event.currentTarget.checked)}
        aria-busy={save.busy}
        labelPosition="left"
        classNames={{ body: classes.settingBody, labelWrapper: classes.settingWords }}
      />
      <ErrorLine>{save.error === null ? null : `Not saved. ${save.error}`}</ErrorLine>
    </div>
  );
}
