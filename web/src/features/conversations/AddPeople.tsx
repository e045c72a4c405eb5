import { Button, Modal, Select, Stack } from '@mantine/core';
import { IconHistory } from '@tabler/icons-react';
import { useMemo, useState } from 'react';
import { HISTORY, LIFETIMES, ROLE_ORDER, ROLES, useClient, type ConversationState, type Person, type SpaceRole } from '../../circle';
import { ErrorLine, useAction, usePhone } from '../../ui';
import { listNames } from './model';
import { PeoplePicker } from './PeoplePicker';
import classes from './PolicySection.module.css';

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
      <WhatTheyRead conversation={conversation} />
      <ErrorLine>{add.error}</ErrorLine>
      <Button disabled={people.length === 0} loading={add.busy} onClick={() => void add.run()}>
        {people.length === 0 ? 'Choose people to add' : `Add ${listNames(people)}`}
      </Button>
    </Stack>
  );
}

/** Shown before anybody is added: it cannot be taken back from them afterwards. */
function WhatTheyRead({ conversation: { history, lifetime } }: { conversation: ConversationState }) {
  return (
    <div className={classes.reach} role="note" aria-label="What they will be able to read">
      <IconHistory size={19} stroke={1.7} aria-hidden="true" />
      <p>
        {HISTORY[history].they}
        {lifetime !== 0 && ` Messages here disappear after ${LIFETIMES[lifetime]}.`}
      </p>
    </div>
  );
}
