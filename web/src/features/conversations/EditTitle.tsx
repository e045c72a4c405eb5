import { Button, Group, Modal, Stack, TextInput } from '@mantine/core';
import { useState, type SubmitEvent } from 'react';
import { useClient, type ConversationState } from '../../circle';
import { ErrorLine, useAction } from '../../ui';
import { TITLE_LENGTH, titleProblem } from './model';
import { PictureField } from './PictureField';

interface EditTitleProps {
  conversation: ConversationState;
  opened: boolean;
  onClose: () => void;
}

export function EditTitle({ conversation, opened, onClose }: EditTitleProps) {
  return (
    <Modal opened={opened} onClose={onClose} title="Title and picture" size={440} closeButtonProps={{ 'aria-label': 'Close' }}>
      <EditTitleForm conversation={conversation} onClose={onClose} />
    </Modal>
  );
}

/** Starts afresh each time the window opens. */
function EditTitleForm({ conversation, onClose }: Omit<EditTitleProps, 'opened'>) {
  const client = useClient();
  const [title, setTitle] = useState(conversation.title);
  const [picture, setPicture] = useState<Blob | null | undefined>(undefined);
  const problem = titleProblem(title);
  const save = useAction(async () => {
    await client.setTitle(conversation.id, title.trim(), picture);
    onClose();
  });
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (problem === null) void save.run();
  };
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        <TextInput label="Title" data-autofocus maxLength={TITLE_LENGTH} value={title} onChange={(event) => setTitle(event.currentTarget.value)} error={problem} />
        <PictureField id={conversation.protocolId} name={title} picture={picture} current={conversation.pictureUrl} onChange={setPicture} />
        <ErrorLine>{save.error}</ErrorLine>
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={save.busy}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
