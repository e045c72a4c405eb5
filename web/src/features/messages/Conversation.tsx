import { IconAlertTriangleFilled } from '@tabler/icons-react';
import type { ConversationState } from '../../circle';
import { Announcer } from './Announcer';
import { Composer } from './Composer';
import classes from './Conversation.module.css';
import { Header } from './Header';
import { Timeline } from './Timeline';
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
  return (
    <main className={classes.pane} aria-label={conversation.title}>
      <Header conversation={conversation} onBack={onBack} detailsOpen={detailsOpen} onDetails={onDetails} />
      {conversation.alarm !== null && (
        <div className={classes.alarm} role="alert">
          <IconAlertTriangleFilled size={20} aria-hidden="true" />
          <p>{conversation.alarm}</p>
        </div>
      )}
      <Timeline conversation={conversation} reading={reading} />
      <Announcer items={conversation.items} />
      <Composer conversation={conversation} />
    </main>
  );
}
