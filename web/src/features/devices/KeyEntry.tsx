import { Button, FileButton, Stack } from '@mantine/core';
import { IconFileText } from '@tabler/icons-react';
import { useState, type DragEvent, type SubmitEvent } from 'react';
import { ErrorLine, type Action } from '../../ui';
import classes from './KeyEntry.module.css';
import { examine, findKey, KEY_LENGTH, noWords } from './words';
import { WordsField } from './WordsField';

/** A file with 24 words is small. Nothing larger is read. */
const LARGEST_FILE = 100_000;

interface KeyEntryProps {
  label: string;
  submit: string;
  /** Gets the 24 words, which are in the list and fit together. */
  action: Action<[string[]]>;
  /** What is under way, for anything over a second. */
  progress?: string;
  onBack: () => void;
}

/** The 24 words of a recovery key: typed, pasted, or from the file that was saved, chosen or dropped. */
export function KeyEntry({ label, submit: submitLabel, action, progress, onBack }: KeyEntryProps) {
  const [words, setWords] = useState(() => noWords(KEY_LENGTH));
  const [trouble, setTrouble] = useState<string | null>(null);
  const [over, setOver] = useState(false);
  const { ready, filled } = examine(words);

  const change = (next: string[]) => {
    setWords(next);
    setTrouble(null);
    action.clear();
  };
  const take = (text: string, from: string) => {
    const found = findKey(text, KEY_LENGTH);
    if (found) change(found);
    else setTrouble(`There is no recovery key in ${from}. It should hold ${KEY_LENGTH} words.`);
  };
  const open = async (file: File | null | undefined) => {
    if (!file) return;
    // A file that cannot be read holds no key for us.
    const text = file.size > LARGEST_FILE ? '' : await file.text().catch(() => '');
    take(text, `“${file.name}”`);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer.files[0];
    if (file) void open(file);
    else take(event.dataTransfer.getData('text'), 'what you dropped');
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const missing = KEY_LENGTH - filled;
    if (ready) void action.run(words);
    else if (missing > 0) setTrouble(`A recovery key has ${KEY_LENGTH} words; ${missing} ${missing === 1 ? 'is' : 'are'} missing.`);
  };
  return (
    <form
      onSubmit={submit}
      aria-label={label}
      className={classes.form}
      data-over={over}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <Stack gap="md">
        <WordsField label="Recovery key" words={words} onChange={change} autoFocus disabled={action.busy}>
          <FileButton accept="text/plain,.txt" onChange={(file) => void open(file)}>
            {(props) => (
              <Button {...props} variant="subtle" size="compact-sm" disabled={action.busy} leftSection={<IconFileText size={17} stroke={1.8} aria-hidden="true" />}>
                Open a saved file
              </Button>
            )}
          </FileButton>
        </WordsField>
        <ErrorLine>{action.error ?? trouble}</ErrorLine>
        <Button type="submit" fullWidth loading={action.busy}>
          {submitLabel}
        </Button>
        <p className={classes.progress} role="status" hidden={!action.busy}>
          {action.busy && progress}
        </p>
        <Button variant="subtle" fullWidth onClick={onBack} disabled={action.busy}>
          Back
        </Button>
      </Stack>
    </form>
  );
}
