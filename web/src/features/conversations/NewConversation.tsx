import { Modal } from '@mantine/core';
import { usePhone } from '../../ui';
import { useNewConversation } from './model';
import { NewConversationForm } from './NewConversationForm';

/** The window in which a conversation is made; a whole screen on a phone. */
export function NewConversation() {
  const { opened, close } = useNewConversation();
  const phone = usePhone();
  return (
    <Modal opened={opened} onClose={close} title="New conversation" fullScreen={phone} size={500} closeButtonProps={{ 'aria-label': 'Close' }}>
      <NewConversationForm onDone={close} />
    </Modal>
  );
}
