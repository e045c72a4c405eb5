import { Button, Stack } from '@mantine/core';
import { IconDownload, IconPrinter } from '@tabler/icons-react';
import { useState } from 'react';
import { CopyButton } from '../../ui';
import { recoveryText } from './model';
import { PrintedKey } from './PrintedKey';
import classes from './RecoveryKey.module.css';

interface RecoveryKeyProps {
  words: string[];
  handle: string;
  onNext: () => void;
}

/** The 24 words, once. They exist in this page's memory alone until they are written down. */
export function RecoveryKey({ words, handle, onNext }: RecoveryKeyProps) {
  const [made] = useState(() => Date.now());
  return (
    <>
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
          <Button
            variant="default"
            leftSection={<IconDownload size={18} aria-hidden="true" />}
            onClick={() => download(recoveryText(words, handle, location.origin, made), `circle-recovery-key${handle === '' ? '' : `-${handle}`}.txt`)}
          >
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
      <PrintedKey words={words} handle={handle} made={made} />
    </>
  );
}

function download(text: string, name: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
