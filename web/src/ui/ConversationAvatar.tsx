import { colourId, otherPerson, useMe, usePresence, type ConversationState } from '../circle';
import { Avatar } from './Avatar';

interface ConversationAvatarProps {
  conversation: ConversationState;
  size?: number;
  /** In a direct conversation, a dot while the other person is there. */
  withPresence?: boolean;
}

/** The picture, or the initials in the conversation's own colour. */
export function ConversationAvatar({ conversation, size = 40, withPresence = false }: ConversationAvatarProps) {
  const me = useMe();
  const presence = usePresence(withPresence ? otherPerson(conversation, me)?.id : undefined);
  return (
    <Avatar
      id={colourId(conversation, me)}
      name={conversation.title}
      picture={conversation.pictureUrl}
      size={size}
      shape={conversation.type === 'DIRECT' ? 'round' : 'square'}
      presence={presence?.state ?? null}
    />
  );
}
