import { Button, Group, SegmentedControl, Stack } from '@mantine/core';
import { useState, type SubmitEvent } from 'react';
import { ErrorLine, hasCamera, QrScanner, usePhone } from '../../ui';
import classes from './LinkDevice.module.css';
import { isLinkCode } from './model';
import { examine, LINK_LENGTH, noWords } from './words';
import { WordsField } from './WordsField';

interface FindRequestProps {
  busy: boolean;
  error: string | null;
  onClear: () => void;
  /** The twelve words, or the text of the code. */
  onFound: (wordsOrQr: string) => void;
  onCancel: () => void;
}

type Means = 'words' | 'camera';
const MEANS: { value: Means; label: string }[] = [
  { value: 'words', label: 'Type the words' },
  { value: 'camera', label: 'Scan the code' },
];

/** Asks for what the new device shows. Phones begin with the camera; words are always there. */
export function FindRequest({ busy, error, onClear, onFound, onCancel }: FindRequestProps) {
  const phone = usePhone();
  const [means, setMeans] = useState<Means>(phone && hasCamera() ? 'camera' : 'words');
  const [words, setWords] = useState(() => noWords(LINK_LENGTH));
  const [trouble, setTrouble] = useState<string | null>(null);
  const { ready, filled } = examine(words);
  const clear = () => {
    setTrouble(null);
    onClear();
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (ready) onFound(words.join(' '));
    else if (filled < LINK_LENGTH) setTrouble(`The new device shows ${LINK_LENGTH} words; ${LINK_LENGTH - filled} ${LINK_LENGTH - filled === 1 ? 'is' : 'are'} still missing.`);
  };
  return (
    <Stack gap="md">
      <p className={classes.lead}>On the new device, open Circle, sign in, and choose “Link with a device you have”. It shows a code and twelve words.</p>
      <SegmentedControl
        aria-label="How to read what it shows"
        fullWidth
        size="md"
        data={MEANS}
        value={means}
        onChange={(value) => {
          setMeans(value);
          clear();
        }}
      />
      {means === 'camera' ? (
        <>
          {/* Read again after a failure, from the beginning. */}
          {!busy && error === null && (
            <QrScanner
              target="the code on your new device"
              onRead={(text) => {
                if (!isLinkCode(text)) return false;
                onFound(text);
                return true;
              }}
            />
          )}
          {busy && (
            <p className={classes.progress} role="status">
              Looking for the new device…
            </p>
          )}
          {error !== null && <ErrorLine onRetry={clear}>{error}</ErrorLine>}
          <Group justify="flex-end">
            <Button variant="default" onClick={onCancel}>
              Cancel
            </Button>
          </Group>
        </>
      ) : (
        <form onSubmit={submit} aria-label="Words of the new device">
          <Stack gap="md">
            <WordsField
              label="Words of the new device"
              words={words}
              onChange={(next) => {
                setWords(next);
                clear();
              }}
              autoFocus
              disabled={busy}
            />
            <ErrorLine>{error ?? trouble}</ErrorLine>
            <Group justify="flex-end" gap="sm">
              <Button variant="default" onClick={onCancel}>
                Cancel
              </Button>
              <Button type="submit" loading={busy}>
                Continue
              </Button>
            </Group>
          </Stack>
        </form>
      )}
    </Stack>
  );
}
