import { useEffect, useRef } from 'react';
import { useMe, writeProblem, type ConversationState } from '../../circle';
import { usePhone } from '../../ui';
import { ConversationAlarm } from '../alarms';
import { ChangedBanner } from '../people';
import { Announcer } from './Announcer';
import { Composer } from './Composer';
import classes from './Conversation.module.css';
import { Header } from './Header';
import { Timeline } from './Timeline';
import { Typing } from './Typing';
import { useReading } from './useReading';

interface ConversationProps {
  conversation: ConversationState;
  onBack: () => void;
  detailsOpen: boolean;
  onDetails: () => void;
}

/** One conversation: header, messages, composer. Give it the conversation's id as key. */
export function Conversation({ conversation, onBack, detailsOpen, onDetails }: ConversationProps) {
  const reading = useReading(conversation);
  const pane = useRef<HTMLElement>(null);
  const phone = usePhone();
  const me = useMe();
  const writable = writeProblem(conversation, me) === null;
  // The composer takes the focus where it may; elsewhere the pane does, so that the keyboard and screen readers are here.
  const focusPane = phone || !writable;
  useEffect(() => {
    if (focusPane) pane.current?.focus({ preventScroll: true });
  }, [focusPane]);
  return (
    <main ref={pane} tabIndex={-1} className={classes.pane} aria-label={conversation.title}>
      <Header conversation={conversation} onBack={onBack} detailsOpen={detailsOpen} onDetails={onDetails} />
      <ConversationAlarm conversation={conversation} onCleared={() => pane.current?.focus({ preventScroll: true })} />
      <ChangedBanner conversation={conversation} />
      <Timeline conversation={conversation} reading={reading} />
      <Announcer items={conversation.items} />
      <Typing people={conversation.typing} />
      <Composer conversation={conversation} />
    </main>
  );
}
