import { Button, Group, Modal, Stack } from '@mantine/core';
import { useState, type SubmitEvent } from 'react';
import { useClient } from '../../circle';
import { countCharacters, ErrorLine, useAction } from '../../ui';
import { PasswordField } from '../identity';
import classes from './Lock.module.css';

/** The shortest that the client takes. */
const LEAST = 10;

interface PassphraseFormProps {
  opened: boolean;
  onClose: () => void;
  onDone: () => void;
}

export function PassphraseForm({ opened, onClose, onDone }: PassphraseFormProps) {
  return (
    <Modal opened={opened} onClose={onClose} title="Passphrase of this browser" size={440} closeButtonProps={{ 'aria-label': 'Close' }}>
      {opened && <Fields onClose={onClose} onDone={onDone} />}
    </Modal>
  );
}

function Fields({ onClose, onDone }: Omit<PassphraseFormProps, 'opened'>) {
  const client = useClient();
  const [passphrase, setPassphrase] = useState('');
  const [repeat, setRepeat] = useState('');
  const [tried, setTried] = useState(false);
  const problems = {
    passphrase: countCharacters(passphrase) < LEAST ? `Please use at least ${LEAST} characters. A short sentence works well.` : null,
    repeat: passphrase === repeat ? null : 'The two passphrases are not the same.',
  };
  const save = useAction(async () => {
    await client.locking.setPassphrase(passphrase);
    onDone();
    onClose();
  });
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    setTried(true);
    const first = problems.passphrase !== null ? 'passphrase' : problems.repeat !== null ? 'repeat' : null;
    if (first === null) void save.run();
    else event.currentTarget.querySelector<HTMLInputElement>(`[name="${first}"]`)?.focus();
  };
  return (
    <form onSubmit={submit} noValidate aria-label="Passphrase of this browser">
      <Stack gap="md">
        <p className={classes.note}>
          Circle will ask for it at every start and reload. It never leaves this browser, and nobody can tell it to you: if you forget it, link this browser again from another device, or use your
          recovery key.
        </p>
        <PasswordField
          name="passphrase"
          label="Passphrase"
          autoComplete="off"
          data-autofocus
          value={passphrase}
          onChange={(event) => setPassphrase(event.currentTarget.value)}
          error={tried ? problems.passphrase : null}
        />
        <PasswordField name="repeat" label="Type it again" autoComplete="off" value={repeat} onChange={(event) => setRepeat(event.currentTarget.value)} error={tried ? problems.repeat : null} />
        <ErrorLine>{save.error}</ErrorLine>
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={save.busy}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
