import type { ConversationState, HistoryPolicy, LifetimeClass } from './types';

/** What each lifetime class is called; 0 stays. */
export const LIFETIMES: Record<LifetimeClass, string> = { 0: 'Off', 1: '1 hour', 2: '8 hours', 3: '1 day', 4: '7 days', 5: '30 days', 6: '90 days' };

/** From the shortest to the longest, and last the one that stays. */
export const LIFETIME_ORDER: LifetimeClass[] = [1, 2, 3, 4, 5, 6, 0];

const HOUR = 3_600_000;
/** How long a message of a class stays, in milliseconds; 0: for good. */
export const LIFETIME_MS: Record<LifetimeClass, number> = { 0: 0, 1: HOUR, 2: 8 * HOUR, 3: 24 * HOUR, 4: 7 * 24 * HOUR, 5: 30 * 24 * HOUR, 6: 90 * 24 * HOUR };

/** The classes that one message may have below what the conversation sets for all, the shortest first. */
export function shorterLifetimes(conversation: Pick<ConversationState, 'lifetime'>): LifetimeClass[] {
  return LIFETIME_ORDER.filter((one) => one !== 0 && (conversation.lifetime === 0 || one < conversation.lifetime));
}

/** What people who join can read, as a choice and as a sentence about them. */
export const HISTORY: Record<HistoryPolicy, { name: string; means: string; they: string }> = {
  JOINING: {
    name: 'Only what comes after they join',
    means: 'What was written before stays between those who were here.',
    they: 'They will be able to read only what is written after they join.',
  },
  SHARED: {
    name: 'Everything from before as well',
    means: 'They can read back as far as the person who adds them, except for messages that have disappeared.',
    they: 'They will be able to read everything that was written here before and that you can read, except for messages that have disappeared.',
  },
};
