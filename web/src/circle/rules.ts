import type { ConversationState, Participant, Person, SpaceRole } from './types';

/** What a role is called, and what it lets one do, in plain words. */
export const ROLES: Record<SpaceRole, { name: string; means: string }> = {
  OWNER: { name: 'Owner', means: 'Can do everything, also choose roles' },
  ADMIN: { name: 'Admin', means: 'Can add and remove people and change the title' },
  WRITER: { name: 'Writer', means: 'Can read and write' },
  READER: { name: 'Reader', means: 'Can read only' },
};

/** From the most to the least. */
export const ROLE_ORDER: SpaceRole[] = ['OWNER', 'ADMIN', 'WRITER', 'READER'];

function rank(role: SpaceRole): number {
  return ROLE_ORDER.length - ROLE_ORDER.indexOf(role);
}

function atLeast(role: SpaceRole | null, least: SpaceRole): boolean {
  return role !== null && rank(role) >= rank(least);
}

export function otherPerson(conversation: ConversationState, me: Person | null): Person | null {
  if (conversation.type !== 'DIRECT') return null;
  return conversation.participants.find((one) => one.person.id !== me?.id)?.person ?? null;
}

/** The existing direct conversation with a person, if there is one. */
export function directWith(conversations: Iterable<ConversationState>, person: string): ConversationState | undefined {
  return [...conversations].find(
    (one) => one.type === 'DIRECT' && one.role !== null && one.participants.some((participant) => participant.person.id === person),
  );
}

/** Why one cannot write here, as a sentence; null where one can. */
export function writeProblem(conversation: ConversationState): string | null {
  if (conversation.role === null) return 'You are no longer in this conversation. You can still read what you received.';
  if (conversation.alarm !== null) return 'Nothing can be sent here until this is cleared up.';
  if (conversation.role === 'READER') {
    return conversation.type === 'BROADCAST' ? 'Only writers, admins and owners can write in this channel.' : 'You can read here, but not write.';
  }
  return null;
}

export function canRename(conversation: ConversationState): boolean {
  return conversation.type !== 'DIRECT' && conversation.alarm === null && atLeast(conversation.role, 'ADMIN');
}

export function canAdd(conversation: ConversationState): boolean {
  return canRename(conversation);
}

export function canRemove(conversation: ConversationState, target: Participant, me: Person | null): boolean {
  if (!canRename(conversation) || target.person.id === me?.id || conversation.role === null) return false;
  return rank(target.role) <= rank(conversation.role);
}

export function canChangeRole(conversation: ConversationState, target: Participant, me: Person | null): boolean {
  return conversation.type !== 'DIRECT' && conversation.alarm === null && conversation.role === 'OWNER' && target.person.id !== me?.id;
}

/** Why one cannot leave, as a sentence; null where one can. */
export function leaveProblem(conversation: ConversationState): string | null {
  const owners = conversation.participants.filter((one) => one.role === 'OWNER').length;
  if (conversation.role === 'OWNER' && owners < 2) return 'You are the only owner. Make someone else an owner before you leave.';
  return null;
}

const KINDS = { DIRECT: 'Direct conversation', GROUP: 'Group', BROADCAST: 'Channel' } as const;

/** 'group' or 'channel', inside of a sentence. */
export function noun(conversation: ConversationState): string {
  return conversation.type === 'BROADCAST' ? 'channel' : conversation.type === 'GROUP' ? 'group' : 'conversation';
}

/** 'Group · 5 people', '@bob'. */
export function describe(conversation: ConversationState, me: Person | null): string {
  const other = otherPerson(conversation, me);
  if (other) return `@${other.handle}`;
  const count = conversation.participants.length;
  return `${KINDS[conversation.type]} · ${count} ${count === 1 ? 'person' : 'people'}`;
}

/** Decides the colour of its avatar: a direct conversation has the other person's. */
export function colourId(conversation: ConversationState, me: Person | null): string {
  return otherPerson(conversation, me)?.protocolId ?? conversation.protocolId;
}

/** The address of a conversation in the app. */
export function addressOf(conversation: Pick<ConversationState, 'protocolId'>): string {
  return `/c/${conversation.protocolId}`;
}
