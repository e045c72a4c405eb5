/** What this member lets others see: asked for with each connection, for other devices change it too. */
import type { Board } from '../state/board';
import type { PrivacySettings } from '../types';
import type { ReadingApi } from './readingApi';

/** In milliseconds. */
const RECENT = 60_000;

export class Privacy {
  readonly #api: Pick<ReadingApi, 'privacy' | 'setPrivacy'>;
  readonly #board: Board;
  readonly #onChange: () => void;
  #heardAt = -Infinity;

  constructor(parts: { api: Pick<ReadingApi, 'privacy' | 'setPrivacy'>; board: Board; onChange: () => void }) {
    this.#api = parts.api;
    this.#board = parts.board;
    this.#onChange = parts.onChange;
  }

  /** Nothing is told to anybody before this was heard. */
  async refresh(): Promise<void> {
    this.#take(await this.#api.privacy());
  }

  /** As they are now, give or take a minute: no stream tells that another device has changed them. */
  async recent(): Promise<void> {
    if (Math.abs(Date.now() - this.#heardAt) > RECENT) await this.refresh();
  }

  async set(change: Partial<PrivacySettings>): Promise<void> {
    this.#take(await this.#api.setPrivacy(change));
  }

  #take(privacy: PrivacySettings): void {
    this.#heardAt = Date.now();
    this.#board.setPrivacy(privacy);
    this.#onChange();
  }
}
