import { create } from 'zustand';
import { directWith, type ConversationState, type Person } from '../../circle';

interface PaletteState {
  opened: boolean;
  open: () => void;
  close: () => void;
}

export const usePalette = create<PaletteState>((set) => ({
  opened: false,
  open: () => set({ opened: true }),
  close: () => set({ opened: false }),
}));

export interface Command {
  id: string;
  name: string;
  /** Shown for a search that it fits alone. */
  onlyFound?: boolean;
  run: () => void;
}

export type Hit =
  | { kind: 'conversation'; id: string; conversation: ConversationState }
  | { kind: 'person'; id: string; person: Person }
  | { kind: 'command'; id: string; command: Command };

const CONVERSATIONS = 6;
const PEOPLE = 5;

interface Source {
  search: string;
  /** Newest activity first. */
  conversations: ConversationState[];
  people: Person[];
  commands: Command[];
  me: Person | null;
  matches: (conversation: ConversationState, search: string) => boolean;
}

/** What the palette shows, in order. People with whom there is a conversation are found as that conversation. */
export function findHits({ search, conversations, people, commands, me, matches }: Source): Hit[] {
  const fitting = search === '' ? conversations : titleFirst(conversations.filter((one) => matches(one, search)), search);
  const strangers = search === '' ? [] : people.filter((one) => one.id !== me?.id && directWith(conversations, one.id) === undefined);
  const words = search.toLocaleLowerCase();
  return [
    ...fitting.slice(0, CONVERSATIONS).map((conversation): Hit => ({ kind: 'conversation', id: conversation.id, conversation })),
    ...strangers.slice(0, PEOPLE).map((person): Hit => ({ kind: 'person', id: person.id, person })),
    ...commands.filter((one) => (search === '' ? one.onlyFound !== true : words.split(/\s+/).every((word) => one.name.toLocaleLowerCase().includes(word)))).map((command): Hit => ({ kind: 'command', id: command.id, command })),
  ];
}

/** Those that have the search in their title come before those that have it in a member's name. */
function titleFirst(conversations: ConversationState[], search: string): ConversationState[] {
  const words = search.toLocaleLowerCase();
  const inTitle = (one: ConversationState) => one.title.toLocaleLowerCase().includes(words);
  return [...conversations.filter(inTitle), ...conversations.filter((one) => !inTitle(one))];
}
