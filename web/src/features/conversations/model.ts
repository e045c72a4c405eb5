import { create } from 'zustand';
import type { ConversationState, Person, TimelineItem } from '../../circle';
import { countCharacters } from '../../ui';

/** The newest line whose time is not over. */
export function lastOf(conversation: ConversationState, now: number): TimelineItem | undefined {
  return conversation.items.findLast(({ expiresAt }) => expiresAt === null || expiresAt > now);
}

/** The second line of a conversation in the list: its last words, or null while none are known. */
export function previewOf(conversation: ConversationState, me: Person | null, now: number): { from: string | null; text: string } | null {
  const last = lastOf(conversation, now);
  if (!last) return null;
  switch (last.body.kind) {
    case 'notice':
      return { from: null, text: last.body.text };
    case 'unreadable':
      return { from: null, text: 'A message that this device can’t read yet' };
    case 'text': {
      const text = last.body.text.replace(/\s+/g, ' ').trim();
      if (last.mine) return { from: 'You', text };
      const named = conversation.type !== 'DIRECT' && last.sender !== null && last.sender.id !== me?.id;
      return { from: named ? (last.sender?.displayName.split(' ')[0] ?? null) : null, text };
    }
  }
}

/** Whether every word of the search is somewhere in the title or in the people's names. */
export function matches(conversation: ConversationState, search: string): boolean {
  const names = conversation.participants.map(({ person }) => `${person.displayName} ${person.handle}`);
  const haystack = [conversation.title, ...names].join('\n').toLocaleLowerCase();
  return search.toLocaleLowerCase().split(/\s+/).every((word) => haystack.includes(word));
}

interface NewConversation {
  opened: boolean;
  open: () => void;
  close: () => void;
}

/** Whether the 'New conversation' window is open; several places open it. */
export const useNewConversation = create<NewConversation>((set) => ({
  opened: false,
  open: () => set({ opened: true }),
  close: () => set({ opened: false }),
}));

interface PolicyWindow {
  asked: { about: 'lifetime' | 'history'; conversation: string } | null;
  open: (about: 'lifetime' | 'history', conversation: string) => void;
  close: () => void;
}

/** The window in which an admin sets what a conversation keeps. */
export const usePolicyWindow = create<PolicyWindow>((set) => ({
  asked: null,
  open: (about, conversation) => set({ asked: { about, conversation } }),
  close: () => set({ asked: null }),
}));

export const TITLE_LENGTH = 120;

export function titleProblem(title: string): string | null {
  const length = countCharacters(title.trim());
  if (length === 0) return 'Please enter a title.';
  return length > TITLE_LENGTH ? `A title has at most ${TITLE_LENGTH} characters.` : null;
}

/** 'Ada', 'Ada and Bob', 'Ada, Bob and Dana'. */
export function listNames(people: Person[]): string {
  const names = people.map((one) => one.displayName);
  return new Intl.ListFormat('en', { type: 'conjunction' }).format(names);
}
