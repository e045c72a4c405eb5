/** What a conversation keeps, and for how long. */
import { CircleFailure } from '../errors';
import type { Board } from '../state/board';
import type { HistoryPolicy, LifetimeClass, PolicyActions } from '../types';
import type { Conversations } from './conversations';

const LONGEST = 6;

export class Policy implements PolicyActions {
  readonly #conversations: Conversations;
  readonly #board: Board;

  constructor(parts: { conversations: Conversations; board: Board }) {
    this.#conversations = parts.conversations;
    this.#board = parts.board;
  }

  /** An admin's choice; what is left out stays. Throws NOT_FOUND, FORBIDDEN, INVALID, ALARM. */
  async set(conversation: string, policy: { lifetime?: LifetimeClass; history?: HistoryPolicy }): Promise<void> {
    const view = this.#board.view(conversation);
    if (!view) throw new CircleFailure('NOT_FOUND', 'This conversation is not known on this device.');
    if (view.role !== 'ADMIN' && view.role !== 'OWNER') throw new CircleFailure('FORBIDDEN', 'Only admins decide how long messages stay and what newcomers may read.');
    const { lifetime } = policy;
    if (lifetime !== undefined && (!Number.isInteger(lifetime) || lifetime < 0 || lifetime > LONGEST)) {
      throw new CircleFailure('INVALID', 'Messages can stay for good, or for an hour, eight hours, a day, 7, 30 or 90 days.');
    }
    await this.#conversations.setPolicy(conversation, policy);
  }
}
