import { Button, type ButtonProps } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useEffect, useState } from 'react';

interface CopyButtonProps extends Pick<ButtonProps, 'variant' | 'size' | 'fullWidth'> {
  value: string;
  label: string;
}

const SHOWN_FOR = 2000;

/** Copies `value`; says so for two seconds, or that the browser refused. */
export function CopyButton({ value, label, ...button }: CopyButtonProps) {
  const [state, setState] = useState<'idle' | 'copied' | 'refused'>('idle');
  useEffect(() => {
    if (state === 'idle') return;
    const timer = setTimeout(() => setState('idle'), SHOWN_FOR);
    return () => clearTimeout(timer);
  }, [state]);

  const copy = () => {
    copyText(value).then(
      () => setState('copied'),
      () => setState('refused'),
    );
  };
  const text = { idle: label, copied: 'Copied', refused: 'Could not copy' }[state];
  return (
    <Button
      variant="default"
      {...button}
      onClick={copy}
      leftSection={state === 'copied' ? <IconCheck size={18} aria-hidden="true" /> : <IconCopy size={18} aria-hidden="true" />}
    >
      <span aria-live="polite">{text}</span>
    </Button>
  );
}

/** Rejects where the page has no clipboard, which browsers give to secure origins alone. */
async function copyText(value: string): Promise<void> {
  await navigator.clipboard.writeText(value);
}
