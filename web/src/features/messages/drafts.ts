import { create } from 'zustand';

interface Drafts {
  /** By conversation id. */
  texts: Record<string, string>;
  setDraft: (conversation: string, text: string) => void;
  clear: () => void;
}

/** What was typed and not sent. In memory alone: the browser's open storage is no place for plain text. */
export const useDrafts = create<Drafts>((set) => ({
  texts: {},
  setDraft: (conversation, text) =>
    set(({ texts }) => {
      const others = Object.fromEntries(Object.entries(texts).filter(([id]) => id !== conversation));
      return { texts: text === '' ? others : { ...others, [conversation]: text } };
    }),
  clear: () => set({ texts: {} }),
}));
