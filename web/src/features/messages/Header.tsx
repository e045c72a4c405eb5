import { ActionIcon, Button, Popover, Tooltip } from '@mantine/core';
import { IconChevronLeft, IconLayoutSidebarRight, IconLock, IconStopwatch } from '@tabler/icons-react';
import { useState } from 'react';
import { describe, LIFETIMES, otherPerson, useMe, type ConversationState, type Person } from '../../circle';
import { ConversationAvatar, usePhone, usePresenceWords } from '../../ui';
import { useProfile, VerifiedMark } from '../people';
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
  const other = otherPerson(conversation, me);
  const presence = usePresenceWords(other?.id);
  return (
    <header className={classes.header}>
      {phone && (
        <ActionIcon aria-label="Back to conversations" size={44} onClick={onBack}>
          <IconChevronLeft size={26} />
        </ActionIcon>
      )}
      <button type="button" className={classes.who} onClick={onDetails} aria-label={`${conversation.title}${presence === null ? '' : `, ${presence}`}, show details`}>
        <ConversationAvatar conversation={conversation} size={38} withPresence />
        <span className={classes.names}>
          <span className={classes.line}>
            <span role="heading" aria-level={1} className={classes.title}>
              {conversation.title}
            </span>
            {other?.verified === true && <VerifiedMark />}
          </span>
          <span className={classes.line}>
            <span className={classes.kind}>{presence ?? describe(conversation, me)}</span>
            {conversation.lifetime !== 0 && <Lifetime name={LIFETIMES[conversation.lifetime]} />}
          </span>
        </span>
      </button>
      <Encryption other={other} />
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

/** That messages disappear here, and after how long. */
function Lifetime({ name }: { name: string }) {
  return (
    <span className={classes.lifetime} title={`Messages disappear after ${name}`}>
      <IconStopwatch size={14} stroke={1.9} aria-hidden="true" />
      <span aria-hidden="true">{name}</span>
      <span className="visually-hidden">Messages disappear after {name}</span>
    </span>
  );
}

function Encryption({ other }: { other: Person | null }) {
  const openProfile = useProfile((state) => state.open);
  const [opened, setOpened] = useState(false);
  return (
    <Popover position="bottom-end" width={330} trapFocus returnFocus opened={opened} onChange={setOpened}>
      <Popover.Target>
        <ActionIcon aria-label="End-to-end encrypted" color="lagoon" onClick={() => setOpened(!opened)}>
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
            What is written here is locked on the sender’s device and opened only on the devices of {other ? `you and ${other.displayName}` : 'the people in this conversation'}.
            The server keeps and delivers it, but has no key to it.
          </p>
          {other && (
            <>
              <p>
                {other.verified
                  ? `You have compared safety numbers: it is ${other.displayName} whom you write to.`
                  : `To be sure that it is ${other.displayName} whom you write to, compare safety numbers.`}
              </p>
              <Button
                variant="light"
                size="compact-sm"
                onClick={() => {
                  setOpened(false);
                  openProfile(other);
                }}
              >
                Show profile and safety number
              </Button>
            </>
          )}
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}
