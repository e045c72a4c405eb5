import { ActionIcon, Button } from '@mantine/core';
import { IconChevronLeft, IconFingerprint, IconLock, IconLogout, IconPencil, IconUserPlus, IconX } from '@tabler/icons-react';
import { useState } from 'react';
import { canAdd, canRename, describe, noun, otherPerson, useMe, type ConversationState } from '../../circle';
import { ConversationAvatar, usePhone, usePresenceWords } from '../../ui';
import { useProfile, VerifiedMark } from '../people';
import { AddPeople } from './AddPeople';
import classes from './Details.module.css';
import { EditTitle } from './EditTitle';
import { Leave } from './Leave';
import { PersonRow } from './PersonRow';
import { PolicySection } from './PolicySection';

/** The right pane: what this conversation is, who is in it, and what one may change. */
export function Details({ conversation, onClose }: { conversation: ConversationState; onClose: () => void }) {
  const me = useMe();
  const phone = usePhone();
  const [open, setOpen] = useState<'add' | 'edit' | 'leave' | null>(null);
  const close = () => setOpen(null);
  const other = otherPerson(conversation, me);
  const presence = usePresenceWords(other?.id);
  const openProfile = useProfile((state) => state.open);
  const word = noun(conversation);

  return (
    <aside className={classes.pane} aria-label="Details">
      <header className={classes.header}>
        <ActionIcon aria-label={phone ? 'Back to conversation' : 'Close details'} onClick={onClose}>
          {phone ? <IconChevronLeft size={24} /> : <IconX size={20} stroke={1.8} />}
        </ActionIcon>
        <h2 className={classes.heading}>Details</h2>
      </header>
      <div className={classes.scroller}>
        <div className={classes.about}>
          <ConversationAvatar conversation={conversation} size={88} withPresence />
          <h3 className={classes.title}>
            {conversation.title} {other?.verified === true && <VerifiedMark size={18} />}
          </h3>
          <p className={classes.kind}>
            {describe(conversation, me)}
            {presence !== null && ` · ${presence}`}
          </p>
          {other && (
            <Button variant="default" size="sm" leftSection={<IconFingerprint size={17} aria-hidden="true" />} onClick={() => openProfile(other)}>
              Profile and safety number
            </Button>
          )}
          {canRename(conversation) && (
            <Button variant="default" size="sm" leftSection={<IconPencil size={16} aria-hidden="true" />} onClick={() => setOpen('edit')}>
              Change title or picture
            </Button>
          )}
        </div>
        <div className={classes.lock}>
          <IconLock size={18} stroke={1.8} aria-hidden="true" />
          <p>Messages, title and picture are locked on the devices of the people below. The server passes them on and cannot read them.</p>
        </div>
        <PolicySection conversation={conversation} />
        <section aria-label="People">
          <div className={classes.peopleHead}>
            <h3>{other ? 'In this conversation' : `People · ${conversation.participants.length}`}</h3>
            {canAdd(conversation) && (
              <Button variant="subtle" size="sm" leftSection={<IconUserPlus size={17} aria-hidden="true" />} onClick={() => setOpen('add')}>
                Add people
              </Button>
            )}
          </div>
          <ul className={classes.people} aria-label="People">
            {conversation.participants.map((participant) => (
              <PersonRow key={participant.person.id} conversation={conversation} participant={participant} />
            ))}
          </ul>
        </section>
        {!other && conversation.role !== null && (
          <Button variant="subtle" color="red" c="var(--danger)" fullWidth justify="flex-start" leftSection={<IconLogout size={18} aria-hidden="true" />} onClick={() => setOpen('leave')}>
            Leave this {word}
          </Button>
        )}
      </div>
      <AddPeople conversation={conversation} opened={open === 'add'} onClose={close} />
      <EditTitle conversation={conversation} opened={open === 'edit'} onClose={close} />
      <Leave conversation={conversation} opened={open === 'leave'} onClose={close} />
    </aside>
  );
}
