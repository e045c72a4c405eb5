import { Button, Stack } from '@mantine/core';
import { IconCircleCheck, IconKey } from '@tabler/icons-react';
import { useState } from 'react';
import { useCircle, useClient, useMe, type PendingRecoveryKey } from '../../circle';
import { ErrorLine, useAction } from '../../ui';
import { KeyCeremony, type Frame } from '../identity';
import { ConfirmOldKey } from './ConfirmOldKey';
import classes from './RecoverySettings.module.css';

type Step = { name: 'look' } | { name: 'have' } | { name: 'new'; pending: PendingRecoveryKey } | { name: 'done'; renewed: boolean };

/** The recovery key in settings: whether it is confirmed, and how to make another one. */
export function RecoverySettings({ frame: Around }: { frame: Frame }) {
  const client = useClient();
  const me = useMe();
  const [step, setStep] = useState<Step>({ name: 'look' });
  const make = useAction(async () => setStep({ name: 'new', pending: await client.recovery.renew() }));
  const confirm = useAction(async (pending: PendingRecoveryKey) => {
    await client.recovery.confirm(pending);
    setStep({ name: 'done', renewed: true });
  });

  if (step.name === 'new') {
    return (
      <KeyCeremony
        frame={Around}
        words={step.pending.words}
        handle={me?.handle ?? ''}
        lead={
          <p>
            Write these 24 words down or keep them in a password manager. <strong>Nobody can make them again for you.</strong> Your present key stays in force until you have confirmed this one.
          </p>
        }
        finish="Put this key in force"
        busy={confirm.busy}
        error={confirm.error}
        onConfirmed={() => void confirm.run(step.pending)}
      />
    );
  }
  if (step.name === 'have') {
    return (
      <Around title="Confirm your recovery key" lead="Type the 24 words that you have saved, or open the file. They are compared on this device.">
        <ConfirmOldKey onBack={() => setStep({ name: 'look' })} onConfirmed={() => setStep({ name: 'done', renewed: false })} />
      </Around>
    );
  }
  return (
    <Around title="Recovery key" lead="24 words that bring back your account and your messages if you lose your devices. Circle has no copy and cannot show them again.">
      <Stack gap="xl">
        <Standing renewed={step.name === 'done' ? step.renewed : null} onHave={() => setStep({ name: 'have' })} onMake={() => void make.run()} making={make.busy} />
        <ErrorLine>{make.error}</ErrorLine>
        <section className={classes.replace} aria-label="A new recovery key">
          <h2>A new recovery key</h2>
          <p>
            Make a new one if somebody may have seen your words, or if you cannot find them. When you have confirmed the new key, the old one opens nothing that is written from then on, and no longer
            brings back your account: destroy it.
          </p>
          <Button variant="default" loading={make.busy} onClick={() => void make.run()}>
            Make a new recovery key
          </Button>
        </section>
      </Stack>
    </Around>
  );
}

interface StandingProps {
  /** Something was just done here: a new key, or the old one confirmed. */
  renewed: boolean | null;
  making: boolean;
  onHave: () => void;
  onMake: () => void;
}

function Standing({ renewed, making, onHave, onMake }: StandingProps) {
  const confirmed = useCircle((state) => state.recoveryKeyConfirmed);
  if (!confirmed) {
    return (
      <div className={classes.card} data-open="true">
        <IconKey size={24} stroke={1.7} aria-hidden="true" />
        <div>
          <strong>Not confirmed yet</strong>
          <p>Nobody has shown so far that your words are saved. Without them, losing your devices means losing your messages.</p>
          <div className={classes.buttons}>
            <Button size="sm" onClick={onHave}>
              I have my words
            </Button>
            <Button size="sm" variant="default" loading={making} onClick={onMake}>
              I do not have them
            </Button>
          </div>
        </div>
      </div>
    );
  }
  return (
    <div className={classes.card} role="status">
      <IconCircleCheck size={24} stroke={1.7} aria-hidden="true" />
      <div>
        <strong>{renewed === true ? 'Your new recovery key is in force' : renewed === false ? 'Your recovery key is right' : 'Confirmed'}</strong>
        <p>{renewed === true ? 'The old one is of no use any more. Destroy it where you kept it.' : 'You have shown that your words are saved. Keep them where only you can find them.'}</p>
      </div>
    </div>
  );
}
