import { useClient } from '../../circle';
import { useAction } from '../../ui';
import { KeyEntry } from './KeyEntry';

interface ConfirmOldKeyProps {
  onBack: () => void;
  onConfirmed: () => void;
}

/** The key that is in force already, typed back in full: its words are compared on this device. */
export function ConfirmOldKey({ onBack, onConfirmed }: ConfirmOldKeyProps) {
  const client = useClient();
  const confirm = useAction(async (words: string[]) => {
    await client.recovery.acknowledge(words);
    onConfirmed();
  });
  return <KeyEntry label="Confirm your recovery key" submit="Confirm" action={confirm} onBack={onBack} />;
}
