/** What this member lets others see: asked for with each connection, for other devices change it too. */
import type { Board } from '../state/board';
import type { PrivacySettings } from '../types';
import type { ReadingApi } from './readingApi';

export class Privacy {
  readonly #api: Pick<ReadingApi, 'privacy' | 'setPrivacy'>;
  readonly #board: Board;
  readonly #onChange: () => void;

  constructor(parts: { api: Pick<ReadingApi, 'privacy' | 'setPrivacy'>; board: Board; onChange: () => void }) {
    this.#api = parts.api;
    this.#board = parts.board;
    this.#onChange = parts.onChange;
  }

  /** Nothing is told to anybody before this was heard. */
  async refresh(): Promise<void> {
    this.#take(await this.#api.privacy());
  }

  async set(change: Partial<PrivacySettings>): Promise<void> {
    this.#take(await this.#api.setPrivacy(change));
  }

  #take(privacy: PrivacySettings): void {
    this.#board.setPrivacy(privacy);
    this.#onChange();
  }
}
