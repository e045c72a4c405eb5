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
export function writeProblem(conversation: ConversationState, me: Person | null): string | null {
  if (conversation.role === null) return 'You are no longer in this conversation. You can still read what you received.';
  if (isShutOut(conversation, me)) return 'You can write here again when somebody has let you in.';
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

/** Whether one began anew with other keys and nobody has let one in again here. */
export function isShutOut(conversation: ConversationState, me: Person | null): boolean {
  return conversation.role !== null && conversation.participants.some((one) => one.changed && one.person.id === me?.id);
}

/** The others who began anew with other keys and wait here to be let in. */
export function waitingPeople(conversation: ConversationState, me: Person | null): Participant[] {
  if (conversation.role === null) return [];
  return conversation.participants.filter((one) => one.changed && one.person.id !== me?.id);
}

/** Whether `by` may let `target` in again: admins, for roles up to their own and for an only owner; in a direct conversation the other one. */
function mayReadmit(conversation: ConversationState, by: Pick<Participant, 'role' | 'changed' | 'person'>, target: Participant): boolean {
  if (by.changed || by.person.id === target.person.id) return false;
  if (conversation.type === 'DIRECT') return true;
  const owners = conversation.participants.filter((one) => one.role === 'OWNER');
  const onlyOwner = target.role === 'OWNER' && owners.length === 1;
  return atLeast(by.role, 'ADMIN') && (onlyOwner || rank(target.role) <= rank(by.role));
}

export function canReadmit(conversation: ConversationState, target: Participant, me: Person | null): boolean {
  if (conversation.alarm !== null || conversation.role === null || !target.changed) return false;
  const own = conversation.participants.find((one) => one.person.id === me?.id);
  return own !== undefined && mayReadmit(conversation, own, target);
}

/** Who could let this person in again: to be asked by those who cannot. */
export function whoCanReadmit(conversation: ConversationState, target: Participant): Person[] {
  return conversation.participants.filter((one) => mayReadmit(conversation, one, target)).map((one) => one.person);
}

/** Lifetimes and history are an admin's to choose; in a direct conversation both people can. */
export function canSetPolicy(conversation: ConversationState, me: Person | null): boolean {
  return conversation.alarm === null && atLeast(conversation.role, 'ADMIN') && !isShutOut(conversation, me);
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
