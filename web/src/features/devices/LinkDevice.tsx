import { Modal } from '@mantine/core';
import { useState } from 'react';
import { useClient, type LinkRequest } from '../../circle';
import { useAction, usePhone } from '../../ui';
import { FindRequest } from './FindRequest';
import { LetIn, Linked } from './LetIn';

interface LinkDeviceProps {
  opened: boolean;
  onClose: () => void;
  onLinked: () => void;
}

/** On a device that has the keys: reads the new device's code or words, asks, and lets it in. */
export function LinkDevice({ opened, onClose, onLinked }: LinkDeviceProps) {
  const phone = usePhone();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title="Link a device"
      size={560}
      fullScreen={phone}
      closeOnClickOutside={false}
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      {opened && <Steps onClose={onClose} onLinked={onLinked} />}
    </Modal>
  );
}

type Step = { name: 'find' } | { name: 'ask' | 'done'; request: LinkRequest };

function Steps({ onClose, onLinked }: Omit<LinkDeviceProps, 'opened'>) {
  const client = useClient();
  const [step, setStep] = useState<Step>({ name: 'find' });
  const read = useAction(async (wordsOrQr: string) => setStep({ name: 'ask', request: await client.devices.read(wordsOrQr) }));
  const answer = useAction(async (request: LinkRequest) => {
    await client.devices.answer(request);
    onLinked();
    setStep({ name: 'done', request });
  });
  switch (step.name) {
    case 'find':
      return <FindRequest busy={read.busy} error={read.error} onClear={read.clear} onFound={(text) => void read.run(text)} onCancel={onClose} />;
    case 'ask':
      return (
        <LetIn
          request={step.request}
          busy={answer.busy}
          error={answer.error}
          onLetIn={() => void answer.run(step.request)}
          onAgain={() => {
            answer.clear();
            setStep({ name: 'find' });
          }}
          onCancel={onClose}
        />
      );
    case 'done':
      return <Linked name={step.request.deviceName} onClose={onClose} />;
  }
}
