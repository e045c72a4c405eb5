import { create } from 'zustand';
import type { LifetimeClass } from '../../circle';

interface Drafts {
  /** By conversation id. */
  texts: Record<string, string>;
  /** How long the next message is to stay, where it was chosen; by conversation id. */
  lifetimes: Record<string, LifetimeClass>;
  setDraft: (conversation: string, text: string) => void;
  /** null: as the conversation says. */
  setLifetime: (conversation: string, lifetime: LifetimeClass | null) => void;
  clear: () => void;
}

function without<T>(all: Record<string, T>, conversation: string): Record<string, T> {
  return Object.fromEntries(Object.entries(all).filter(([id]) => id !== conversation));
}

/** What was typed and not sent. In memory alone: the browser's open storage is no place for plain text. */
export const useDrafts = create<Drafts>((set) => ({
  texts: {},
  lifetimes: {},
  setDraft: (conversation, text) => set(({ texts }) => ({ texts: text === '' ? without(texts, conversation) : { ...texts, [conversation]: text } })),
  setLifetime: (conversation, lifetime) =>
    set(({ lifetimes }) => ({ lifetimes: lifetime === null ? without(lifetimes, conversation) : { ...lifetimes, [conversation]: lifetime } })),
  clear: () => set({ texts: {}, lifetimes: {} }),
}));
