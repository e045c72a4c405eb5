import { otherPerson, useMe, type ConversationState } from '../../circle';
import { ConversationAvatar } from '../../ui';
import classes from './Message.module.css';

/** Above the first message: what this conversation is. */
export function Beginning({ conversation }: { conversation: ConversationState }) {
  const me = useMe();
  const other = otherPerson(conversation, me);
  return (
    <div className={classes.beginning}>
      <ConversationAvatar conversation={conversation} size={72} />
      <h2>{conversation.title}</h2>
      <p>{other ? `This is where your conversation with ${other.displayName} begins. Only the two of you can read it.` : about(conversation)}</p>
    </div>
  );
}

function about({ type }: ConversationState): string {
  if (type === 'BROADCAST') return 'This is where the channel begins. Only the people in it can read it.';
  return 'This is where the group begins. Only the people in it can read it.';
}
