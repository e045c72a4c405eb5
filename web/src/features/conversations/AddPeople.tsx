import { Button, Modal, Select, Stack } from '@mantine/core';
import { useMemo, useState } from 'react';
import { ROLE_ORDER, ROLES, useClient, type ConversationState, type Person, type SpaceRole } from '../../circle';
import { ErrorLine, useAction, usePhone } from '../../ui';
import { listNames } from './model';
import { PeoplePicker } from './PeoplePicker';

interface AddPeopleProps {
  conversation: ConversationState;
  opened: boolean;
  onClose: () => void;
}

export function AddPeople({ conversation, opened, onClose }: AddPeopleProps) {
  const phone = usePhone();
  return (
    <Modal opened={opened} onClose={onClose} title="Add people" size={460} fullScreen={phone} closeButtonProps={{ 'aria-label': 'Close' }}>
      <AddPeopleForm conversation={conversation} onClose={onClose} />
    </Modal>
  );
}

function AddPeopleForm({ conversation, onClose }: Omit<AddPeopleProps, 'opened'>) {
  const client = useClient();
  const [people, setPeople] = useState<Person[]>([]);
  const [role, setRole] = useState<SpaceRole>(conversation.type === 'BROADCAST' ? 'READER' : 'WRITER');
  const present = useMemo(() => new Set(conversation.participants.map((one) => one.person.id)), [conversation.participants]);
  // One can give away roles up to one's own.
  const roles = ROLE_ORDER.slice(ROLE_ORDER.indexOf(conversation.role ?? 'READER')).map((value) => ({ value, label: `${ROLES[value].name}: ${ROLES[value].means.toLowerCase()}` }));
  const add = useAction(async () => {
    await client.addPeople(conversation.id, people.map((one) => one.id), role);
    onClose();
  });
  return (
    <Stack gap="md">
      <PeoplePicker chosen={people} onChange={setPeople} without={present} autoFocus />
      <Select label="Role" data={roles} value={role} onChange={(value) => setRole(value ?? 'WRITER')} allowDeselect={false} size="md" />
      <ErrorLine>{add.error}</ErrorLine>
      <Button disabled={people.length === 0} loading={add.busy} onClick={() => void add.run()}>
        {people.length === 0 ? 'Choose people to add' : `Add ${listNames(people)}`}
      </Button>
    </Stack>
  );
}
