/** Changes of a conversation in plain words. */
import type { Notice } from '../crypto';
import type { ConversationType, SpaceRole } from '../types';

const ROLES: Record<SpaceRole, string> = {
  READER: 'a reader',
  WRITER: 'a writer',
  ADMIN: 'an admin',
  OWNER: 'an owner',
};

const CREATED: Record<ConversationType, string> = {
  DIRECT: 'started this conversation',
  GROUP: 'made this group',
  BROADCAST: 'made this channel',
};

export const UNTITLED: Record<ConversationType, string> = {
  DIRECT: 'Conversation',
  GROUP: 'Untitled group',
  BROADCAST: 'Untitled channel',
};

/**
 * A notice as a sentence. `name` gives a person's name, with 'You' and 'you' for oneself.
 */
export function noticeText(notice: Notice, type: ConversationType, name: (member: string, start: boolean) => string): string {
  const who = name(notice.by, true);
  switch (notice.what) {
    case 'created':
      return `${who} ${CREATED[type]}`;
    case 'added':
      return `${who} added ${name(notice.member, false)}`;
    case 'removed':
      return `${who} removed ${name(notice.member, false)}`;
    case 'left':
      return `${who} left`;
    case 'role':
      return `${who} made ${name(notice.member, false)} ${ROLES[notice.role]}`;
    case 'policy':
      return `${who} changed how long messages are kept`;
    case 'title':
      return `${who} changed the title to “${notice.title}”`;
    case 'picture':
      return `${who} changed the picture`;
    case 'reset':
      return `${who} started again with new keys and must be added again`;
  }
}
