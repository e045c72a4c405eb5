import { ActionIcon, Button, Menu } from '@mantine/core';
import { IconDots, IconUserMinus } from '@tabler/icons-react';
import { useState } from 'react';
import { canChangeRole, canReadmit, canRemove, noun, ROLE_ORDER, ROLES, useClient, useMe, type ConversationState, type Participant, type SpaceRole } from '../../circle';
import { ErrorLine, PersonAvatar, useAction, usePresenceWords } from '../../ui';
import { NewKeysMark, useProfile, useReadmit, VerifiedMark } from '../people';
import classes from './Details.module.css';
import { RemovePerson } from './RemovePerson';

/** One person of a conversation, with what one may do about them. */
export function PersonRow({ conversation, participant }: { conversation: ConversationState; participant: Participant }) {
  const client = useClient();
  const me = useMe();
  const [removing, setRemoving] = useState(false);
  const { person, role, changed } = participant;
  const presence = usePresenceWords(person.id === me?.id ? undefined : person.id);
  const openProfile = useProfile((state) => state.open);
  const openReadmit = useReadmit((state) => state.open);
  const changeRole = useAction(async (next: SpaceRole) => {
    if (next !== role) await client.changeRole(conversation.id, person.id, next);
  });
  const mayChange = canChangeRole(conversation, participant, me);
  const mayRemove = canRemove(conversation, participant, me);

  return (
    <li>
      <div className={classes.person}>
        <button type="button" className={classes.who} title="Show profile" onClick={() => openProfile(person)}>
          <PersonAvatar person={person} size={38} />
          <span className={classes.names}>
            <span className={classes.nameLine}>
              <span className={classes.name}>
                {person.displayName}
                {person.id === me?.id && ' (you)'}
              </span>
              {person.verified && <VerifiedMark size={15} />}
            </span>
            <span className={classes.nameLine}>
              <span className={classes.handle}>
                @{person.handle}
                {presence !== null && ` · ${presence}`}
              </span>
              {changed && <NewKeysMark />}
            </span>
          </span>
        </button>
        {conversation.type !== 'DIRECT' && <span className={classes.role}>{ROLES[role].name}</span>}
        {(mayChange || mayRemove) && (
          <Menu position="bottom-end" width={260}>
            <Menu.Target>
              <ActionIcon aria-label={`Options for ${person.displayName}`} loading={changeRole.busy}>
                <IconDots size={20} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              {mayChange && <Menu.Label>Role</Menu.Label>}
              {mayChange && (
                <Menu.RadioGroup value={role} onChange={(value) => void changeRole.run(value as SpaceRole)}>
                  {ROLE_ORDER.map((one) => (
                    <Menu.RadioItem key={one} value={one} closeMenuOnClick>
                      <span className={classes.menuItem}>
                        {ROLES[one].name}
                        <small>{ROLES[one].means}</small>
                      </span>
                    </Menu.RadioItem>
                  ))}
                </Menu.RadioGroup>
              )}
              {mayChange && mayRemove && <Menu.Divider />}
              {mayRemove && (
                <Menu.Item className={classes.danger} leftSection={<IconUserMinus size={17} aria-hidden="true" />} onClick={() => setRemoving(true)}>
                  Remove from this {noun(conversation)}
                </Menu.Item>
              )}
            </Menu.Dropdown>
          </Menu>
        )}
      </div>
      {canReadmit(conversation, participant, me) && (
        <Button className={classes.readmit} variant="light" size="compact-sm" onClick={() => openReadmit(conversation.id, person)}>
          Let {person.displayName} in again…
        </Button>
      )}
      <ErrorLine>{changeRole.error}</ErrorLine>
      <RemovePerson conversation={conversation} person={person} opened={removing} onClose={() => setRemoving(false)} />
    </li>
  );
}
