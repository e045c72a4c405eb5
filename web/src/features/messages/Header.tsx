import { ActionIcon, Popover, Tooltip } from '@mantine/core';
import { IconChevronLeft, IconLayoutSidebarRight, IconLock } from '@tabler/icons-react';
import { describe, otherPerson, useMe, type ConversationState } from '../../circle';
import { ConversationAvatar, usePhone } from '../../ui';
import classes from './Conversation.module.css';

interface HeaderProps {
  conversation: ConversationState;
  onBack: () => void;
  detailsOpen: boolean;
  onDetails: () => void;
}

export function Header({ conversation, onBack, detailsOpen, onDetails }: HeaderProps) {
  const me = useMe();
  const phone = usePhone();
  return (
    <header className={classes.header}>
      {phone && (
        <ActionIcon aria-label="Back to conversations" size={44} onClick={onBack}>
          <IconChevronLeft size={26} />
        </ActionIcon>
      )}
      <button type="button" className={classes.who} onClick={onDetails} aria-label={`${conversation.title}, show details`}>
        <ConversationAvatar conversation={conversation} size={38} />
        <span className={classes.names}>
          <span role="heading" aria-level={1} className={classes.title}>
            {conversation.title}
          </span>
          <span className={classes.kind}>{describe(conversation, me)}</span>
        </span>
      </button>
      <Encryption conversation={conversation} />
      {!phone && (
        <Tooltip label={detailsOpen ? 'Hide details' : 'Details'}>
          <ActionIcon aria-label="Details" aria-expanded={detailsOpen} onClick={onDetails}>
            <IconLayoutSidebarRight size={20} stroke={1.7} />
          </ActionIcon>
        </Tooltip>
      )}
    </header>
  );
}

function Encryption({ conversation }: { conversation: ConversationState }) {
  const me = useMe();
  const other = otherPerson(conversation, me);
  return (
    <Popover position="bottom-end" width={330} trapFocus returnFocus>
      <Popover.Target>
        <ActionIcon aria-label="End-to-end encrypted" color="lagoon">
          <IconLock size={19} stroke={1.8} />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown>
        <div className={classes.explain} tabIndex={-1} data-autofocus>
          <h3>
            <IconLock size={17} stroke={1.9} aria-hidden="true" />
            End-to-end encrypted
          </h3>
          <p>
            What is written here is locked on the sender’s device and opened only on the devices of{' '}
            {other ? `you and ${other.displayName}` : 'the people in this conversation'}. The server keeps and delivers it, but has no key to it.
          </p>
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}
