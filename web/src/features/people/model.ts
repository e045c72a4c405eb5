import { create } from 'zustand';
import type { CircleState, ConversationState, Participant, Person } from '../../circle';

interface ProfileStore {
  /** Whose profile is open, as they were known when it was opened. */
  person: Person | null;
  open: (person: Person) => void;
  close: () => void;
}

/** The window with a person's profile; names and pictures all over the app open it. */
export const useProfile = create<ProfileStore>((set) => ({
  person: null,
  open: (person) => set({ person }),
  close: () => set({ person: null }),
}));

interface ReadmitStore {
  /** Who is to be let in again, and where. */
  asked: { conversation: string; person: Person } | null;
  open: (conversation: string, person: Person) => void;
  close: () => void;
}

/** The window that asks before somebody is let in again. */
export const useReadmit = create<ReadmitStore>((set) => ({
  asked: null,
  open: (conversation, person) => set({ asked: { conversation, person } }),
  close: () => set({ asked: null }),
}));

function inIt(conversation: ConversationState, person: string): Participant | undefined {
  return conversation.participants.find((one) => one.person.id === person);
}

/** A person as they are known now: marks and names change while a window is open. */
export function currentPerson(state: Pick<CircleState, 'conversations' | 'me'>, person: Person): Person {
  if (state.me?.id === person.id) return state.me;
  for (const conversation of Object.values(state.conversations)) {
    const found = inIt(conversation, person.id);
    if (found) return found.person;
  }
  return person;
}

export interface Shared {
  conversation: ConversationState;
  /** The person's place in it. */
  participant: Participant;
}

/** The conversations that one has together with a person, newest activity first. */
export function sharedWith(state: Pick<CircleState, 'conversations' | 'order'>, person: string): Shared[] {
  return state.order.flatMap((id) => {
    const conversation = state.conversations[id];
    const participant = conversation && conversation.role !== null ? inIt(conversation, person) : undefined;
    return conversation && participant ? [{ conversation, participant }] : [];
  });
}

/** '0 4 1 1 7': digits with spaces between them are read aloud one by one. */
export function spokenDigits(group: string): string {
  return Array.from(group).join(' ');
}

/** 'Bob' of 'Bob Okafor': how one speaks of somebody in a sentence that has named them. */
export function firstName(person: Person): string {
  return person.displayName.split(' ')[0] ?? person.displayName;
}
