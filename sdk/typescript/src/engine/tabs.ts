/** One tab at a time runs the engine on one account: the newest that asks. The others stand by and can ask again. */
export interface Tabs {
  /** Becomes the running tab; `onLost` is called once when another tab takes over. */
  take(name: string, onLost: () => void): Promise<void>;
  release(): void;
}

/** With the browser's lock manager. Stealing is safe because what is stored is written in whole transactions. */
class LockedTabs implements Tabs {
  #release: (() => void) | null = null;

  async take(name: string, onLost: () => void): Promise<void> {
    this.release();
    await new Promise<void>((resolve, reject) => {
      let held = false;
      const hold = () =>
        new Promise<void>((release) => {
          held = true;
          this.#release = release;
          resolve();
        });
      navigator.locks.request(name, { steal: true }, hold).then(undefined, (error: unknown) => {
        if (!held) reject(error instanceof Error ? error : new Error('The lock was refused.'));
        else {
          this.#release = null;
          onLost();
        }
      });
    });
  }

  release(): void {
    this.#release?.();
    this.#release = null;
  }
}

/** Where there are no tabs. */
class NoTabs implements Tabs {
  take(): Promise<void> {
    return Promise.resolve();
  }

  release(): void {
    // nothing is held
  }
}

export function createTabs(): Tabs {
  return 'navigator' in globalThis && 'locks' in navigator && typeof document !== 'undefined' ? new LockedTabs() : new NoTabs();
}
