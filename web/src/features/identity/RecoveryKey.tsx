import { Button, Stack } from '@mantine/core';
import { IconDownload, IconPrinter } from '@tabler/icons-react';
import { CopyButton } from '../../ui';
import { FrontPage } from './FrontPage';
import { recoveryText } from './model';
import classes from './RecoveryKey.module.css';

interface RecoveryKeyProps {
  words: string[];
  handle: string;
  onNext: () => void;
}

/** The 24 words, once. They exist in this page's memory alone until they are written down. */
export function RecoveryKey({ words, handle, onNext }: RecoveryKeyProps) {
  return (
    <FrontPage
      wide
      title="Your recovery key"
      lead={
        <p>
          These 24 words are the only way back to your messages if you lose this browser. Write them down or keep them in a password manager.{' '}
          <strong>Nobody can make them again for you</strong>, and anyone who has them can read what you can read.
        </p>
      }
    >
      <div className={classes.sheet}>
        <ol className={classes.words} aria-label="Recovery key">
          {words.map((word, index) => (
            <li key={index}>
              <span aria-hidden="true">{index + 1}</span>
              {word}
            </li>
          ))}
        </ol>
      </div>
      <Stack gap="lg" className={classes.actions}>
        <div className={classes.ways}>
          <CopyButton value={words.join(' ')} label="Copy" />
          <Button variant="default" leftSection={<IconDownload size={18} aria-hidden="true" />} onClick={() => download(recoveryText(words, handle, location.origin))}>
            Download
          </Button>
          <Button variant="default" leftSection={<IconPrinter size={18} aria-hidden="true" />} onClick={() => window.print()}>
            Print
          </Button>
        </div>
        <Button fullWidth onClick={onNext}>
          I have saved my recovery key
        </Button>
      </Stack>
    </FrontPage>
  );
}

function download(text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = 'circle-recovery-key.txt';
  link.click();
  URL.revokeObjectURL(url);
}
