import { Button, Stack, TextInput } from '@mantine/core';
import { useState, type SubmitEvent } from 'react';
import { ErrorLine } from '../../ui';
import { pickPositions, sameWord } from './model';

const ASKED = 3;

interface ConfirmWordsProps {
  words: string[];
  busy: boolean;
  error: string | null;
  /** What the last button does. */
  finish: string;
  onBack: () => void;
  onConfirmed: () => void;
}

/** Asks for some of the words, so that nobody ends up with a recovery key that was never saved. */
export function ConfirmWords({ words, busy, error, finish, onBack, onConfirmed }: ConfirmWordsProps) {
  const [positions] = useState(() => pickPositions(words.length, ASKED));
  const [typed, setTyped] = useState<Record<number, string>>({});
  const [tried, setTried] = useState(false);
  const wrong = (position: number) => !sameWord(typed[position] ?? '', words[position] ?? '');

  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    setTried(true);
    const first = positions.find(wrong);
    if (first === undefined) onConfirmed();
    else event.currentTarget.querySelector<HTMLInputElement>(`[name="word-${first}"]`)?.focus();
  };
  return (
    <form onSubmit={submit} noValidate aria-label="Confirm your recovery key">
      <Stack gap="md">
        {positions.map((position, order) => (
          <TextInput
            key={position}
            name={`word-${position}`}
            label={`Word ${position + 1}`}
            autoFocus={order === 0}
            autoComplete="off"
            autoCapitalize="none"
            autoCorrect="off"
            spellCheck={false}
            value={typed[position] ?? ''}
            onChange={(event) => {
              const { value } = event.currentTarget;
              setTyped((all) => ({ ...all, [position]: value }));
            }}
            error={tried && wrong(position) ? `That is not word ${position + 1}. Please look at your saved key.` : null}
          />
        ))}
        <ErrorLine>{error}</ErrorLine>
        <Button type="submit" fullWidth loading={busy}>
          {finish}
        </Button>
        <Button variant="subtle" fullWidth onClick={onBack} disabled={busy}>
          Show the words again
        </Button>
      </Stack>
    </form>
  );
}
