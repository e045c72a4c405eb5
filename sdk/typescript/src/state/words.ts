/** Changes of a conversation in plain words. */
import type { Notice } from '../crypto';
import { kindOf, type AlarmKind } from '../crypto/machine/alarmWords';
import { ALARMS } from '../crypto/machine/reasons';
import type { ConversationType, HistoryPolicy, LifetimeClass, SpaceRole } from '../types';

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

/** How long messages of a class stay. */
const SPANS: Record<LifetimeClass, string> = { 0: '', 1: '1 hour', 2: '8 hours', 3: '1 day', 4: '7 days', 5: '30 days', 6: '90 days' };

function policyText(who: string, lifetime: LifetimeClass | undefined, history: HistoryPolicy | undefined): string {
  const stay = lifetime === undefined ? null : lifetime === 0 ? 'messages to stay' : `messages to disappear after ${SPANS[lifetime]}`;
  const read = history === undefined ? null : history === 'SHARED' ? 'earlier messages to be shown to new people' : 'new people to see only what comes after they join';
  if (stay === null && read === null) return `${who} confirmed how long messages stay`;
  return `${who} set ${[stay, read].filter((part) => part !== null).join(', and ')}`;
}

/**
 * A notice as a sentence. `name` gives a person's name, with 'You' and 'you' for oneself; admins are told more.
 */
export function noticeText(notice: Notice, type: ConversationType, name: (member: string, start: boolean) => string, isAdmin: boolean): string {
  const who = name(notice.by, true);
  switch (notice.what) {
    case 'created':
      return `${who} ${CREATED[type]}${notice.lifetime ? `; messages disappear after ${SPANS[notice.lifetime]}` : ''}`;
    case 'added':
      return `${who} added ${name(notice.member, false)}`;
    case 'removed':
      return `${who} removed ${name(notice.member, false)}`;
    case 'left':
      return `${who} left`;
    case 'role':
      return `${who} made ${name(notice.member, false)} ${ROLES[notice.role]}`;
    case 'policy':
      return policyText(who, notice.lifetime, notice.history);
    case 'complaint': {
      const maker = isAdmin ? `keys that ${ownerOf(name(notice.creator, false))} device made for new messages` : 'new keys of this conversation';
      return `${who} could not open ${maker}. They are sent again, and made anew; nobody has to do anything.`;
    }
    case 'title':
      return `${who} changed the title to “${notice.title}”`;
    case 'picture':
      return `${who} changed the picture`;
    case 'reset':
      return resetText(who, type);
    case 'readmitted':
      return `${who} let ${name(notice.member, false)} in again`;
    case 'kept':
      return `The server no longer has what follows (${notice.count === 1 ? 'one message' : `${notice.count} messages`}). Only this device still has it.`;
    case 'kept-end':
      return 'Here ends what only this device still has. You decided to go on with what the server shows.';
  }
}

function resetText(who: string, type: ConversationType): string {
  if (who === 'You') return 'You began anew with a new identity. Someone here has to let you in again before you can read and write.';
  const until = type === 'DIRECT' ? 'you let them in again' : 'someone lets them in again';
  return `${who} began anew with a new identity. They can read nothing new here until ${until}. Ask them first whether it was really them.`;
}

function ownerOf(name: string): string {
  return name === 'you' ? 'your' : `${name}’s`;
}

/** The machine speaks of every space as of a conversation; the account's own is none to the person. */
const ACCOUNT: Record<AlarmKind, string> = {
  fork: "The server's record of your account does not fit what this device has seen.",
  older: 'The server shows an older state of your account than before.',
  seal: 'The server handed this device a wrong key for your account.',
  roster: 'Your account was changed in a way that this device cannot accept.',
  unverified: "This device cannot verify the server's record of your account.",
  withheld: 'The server withholds a part of your account.',
  omitted: 'The server no longer shows what your devices keep in your account.',
  moved: 'Something that this device wrote to your account is not where the server said.',
};

/** An alarm about the account space, as a sentence about the account. Nothing but writing to it stops. */
export function accountAlarmText(alarm: string): string {
  const kind = kindOf(alarm);
  return kind === null ? alarm : alarm.slice(0, -ALARMS[kind].length) + ACCOUNT[kind];
}
