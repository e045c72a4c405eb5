import { useClient } from '../../circle';
import { useAction } from '../../ui';
import { FrontPage } from '../identity';
import { KeyEntry } from './KeyEntry';

/** On the new device: the recovery key's words open everything, without any other device. */
export function Recover({ onBack }: { onBack: () => void }) {
  const client = useClient();
  const recover = useAction((words: string[]) => client.recovery.recover(words));
  return (
    <FrontPage wide title="Use your recovery key" lead="Type the 24 words in their order, paste them all at once, or open the file that you saved. The first four letters of a word are enough.">
      <KeyEntry
        label="Use your recovery key"
        submit="Open my messages"
        action={recover}
        progress="Opening your keys, then everything that was written. Please keep this page open."
        onBack={onBack}
      />
    </FrontPage>
  );
}
