/** Keeps Circle open across a reload, for as long as one of the browser's tabs lives (docs/decisions/0027). */
import { fromBase64, toBase64 } from '../bytes';
import type { BrowserSession } from '../crypto';
import type { Accounts } from '../store/accounts';

/** The part of Web Storage that is needed; it ends with the tab. */
export type TabStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

const NAME = 'circle-tab';

/** How long another tab has to answer that it holds the other half. */
const PATIENCE = 250;

interface Question {
  ask: string;
}
interface Answer {
  member: string;
  half: string;
}

export class BrowserSessions {
  readonly #accounts: Accounts;
  readonly #tab: TabStorage | null;
  readonly #channel: BroadcastChannel | null;

  constructor(accounts: Accounts, tab: TabStorage | null) {
    this.#accounts = accounts;
    this.#tab = tab;
    this.#channel = tab && typeof document !== 'undefined' && 'BroadcastChannel' in globalThis ? new BroadcastChannel(NAME) : null;
    this.#channel?.addEventListener('message', ({ data }: MessageEvent<Question | Answer>) => {
      const half = 'ask' in data ? this.#half(data.ask) : null;
      if ('ask' in data && half !== null) this.#channel?.postMessage({ member: data.ask, half } satisfies Answer);
    });
  }

  async keep(member: string, { half, key, blob }: BrowserSession): Promise<void> {
    if (!this.#tab) return;
    await this.#accounts.keepSession({ member, key, blob, usedAt: Date.now() });
    this.#tab.setItem(name(member), toBase64(half));
  }

  /**
   * Both halves, or null when this browser session has none. A new tab asks the others for theirs. One that nobody has
   * used for so many minutes is at its end.
   */
  async find(member: string, idleMinutes: number | null): Promise<BrowserSession | null> {
    const half = this.#half(member) ?? (await this.#askTabs(member));
    if (half === null) return null;
    const stored = await this.#accounts.session(member);
    if (!stored) return null;
    if (idleMinutes !== null && Date.now() - stored.usedAt >= idleMinutes * 60_000) {
      await this.drop(member);
      return null;
    }
    this.#tab?.setItem(name(member), half);
    return { half: fromBase64(half), key: stored.key, blob: stored.blob };
  }

  async touch(member: string): Promise<void> {
    if (this.#tab) await this.#accounts.touch(member, Date.now());
  }

  async drop(member: string): Promise<void> {
    this.#tab?.removeItem(name(member));
    await this.#accounts.dropSession(member);
  }

  close(): void {
    this.#channel?.close();
  }

  #half(member: string): string | null {
    return this.#tab?.getItem(name(member)) ?? null;
  }

  #askTabs(member: string): Promise<string | null> {
    const channel = this.#channel;
    if (!channel) return Promise.resolve(null);
    return new Promise((resolve) => {
      const settle = (half: string | null) => {
        clearTimeout(timer);
        channel.removeEventListener('message', listen);
        resolve(half);
      };
      const listen = ({ data }: MessageEvent<Question | Answer>) => {
        if ('half' in data && data.member === member) settle(data.half);
      };
      const timer = setTimeout(() => { settle(null); }, PATIENCE);
      channel.addEventListener('message', listen);
      channel.postMessage({ ask: member } satisfies Question);
    });
  }
}

function name(member: string): string {
  return `${NAME}:${member}`;
}
