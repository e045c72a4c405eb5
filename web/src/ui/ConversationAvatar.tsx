import { colourId, useMe, type ConversationState } from '../circle';
import { Avatar } from './Avatar';

/** The picture, or the initials in the conversation's own colour. */
export function ConversationAvatar({ conversation, size = 40 }: { conversation: ConversationState; size?: number }) {
  const me = useMe();
  return (
    <Avatar
      id={colourId(conversation, me)}
      name={conversation.title}
      picture={conversation.pictureUrl}
      size={size}
      shape={conversation.type === 'DIRECT' ? 'round' : 'square'}
    />
  );
}
