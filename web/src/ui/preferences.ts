import { create } from 'zustand';

const KEY = 'circle.preferences';

interface Preferences {
  /** Shortcuts of one letter can be turned off, for people who dictate (WCAG 2.1.4). */
  singleKeys: boolean;
}

interface PreferencesStore extends Preferences {
  setSingleKeys: (on: boolean) => void;
}

function read(): Preferences {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    const off = typeof stored === 'object' && stored !== null && 'singleKeys' in stored && stored.singleKeys === false;
    return { singleKeys: !off };
  } catch {
    return { singleKeys: true };
  }
}

function write(preferences: Preferences): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences));
  } catch {
    // A browser that stores nothing keeps the choice until the page is closed.
  }
}

/** How this browser likes its Circle. Nothing here is secret. */
export const usePreferences = create<PreferencesStore>((set) => ({
  ...read(),
  setSingleKeys: (singleKeys) => {
    write({ singleKeys });
    set({ singleKeys });
  },
}));
