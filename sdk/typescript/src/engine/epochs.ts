/** Makes a conversation ready to send: a current epoch that this device has checked, made here when one is due. */
import type { Keeper } from '../crypto';
import { CircleFailure, codeOf } from '../errors';
import type { Board } from '../state/board';
import type { Api } from './api';
import type { Learner } from './learner';
import type { Sync } from './sync';

/** Others make epochs too; more collisions than this in a row are no coincidence. */
const TRIES = 4;
/** Members' chains have moved on: learned anew, it is made again. */
const MOVED = new Set(['RECIPIENTS_CHANGED', 'CHAIN_CONFLICT', 'STALE_DEVICE']);
const DAY = 24 * 3_600_000;

export class Epochs {
  readonly #api: Api;
  readonly #keeper: Keeper;
  readonly #learner: Learner;
  readonly #sync: Sync;
  readonly #board: Board;

  constructor(parts: { api: Api; keeper: Keeper; learner: Learner; sync: Sync; board: Board }) {
    this.#api = parts.api;
    this.#keeper = parts.keeper;
    this.#learner = parts.learner;
    this.#sync = parts.sync;
    this.#board = parts.board;
  }

  /** Throws a CircleFailure when nothing may be sent to this conversation. */
  async ready(node: string): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      const view = this.#board.view(node);
      if (!view || view.role === null) throw new CircleFailure('NOT_A_MEMBER', 'You are no longer a member of this conversation.');
      if (view.alarm !== null) throw new CircleFailure('ALARM', view.alarm);
      await this.#complain(view.space);
      if (view.due) await this.make(node);
      else if (await this.#keeper.isEpochChecked(view.space)) return;
      else await this.#check(node, view.space, attempt);
      if (attempt >= TRIES) throw new CircleFailure('EPOCH_CONFLICT', 'The keys of this conversation keep changing. Please try again in a moment.');
    }
  }

  /** Makes the next epoch, or takes the one that somebody else made meanwhile. */
  async make(node: string): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      const view = this.#board.view(node);
      if (!view || view.role === null) throw new CircleFailure('NOT_A_MEMBER', 'You are no longer a member of this conversation.');
      if (view.role === 'READER') throw new CircleFailure('EPOCH_DUE', 'This conversation needs new keys from someone who may write here.');
      try {
        await this.#learner.learnMembers(view.roster.map(({ member }) => member));
        for (const member of view.owes) await this.#repay(view.space, node, member);
        await this.#api.announceEpoch(await this.#keeper.makeEpoch(view.space));
        await this.#sync.catchUp(node);
        return;
      } catch (error) {
        const code = codeOf(error);
        const isPassed = code === 'EPOCH_CONFLICT' || code === 'EPOCH_NOT_DUE';
        if (!isPassed && !MOVED.has(code)) throw error;
        if (attempt >= TRIES) throw error;
        await this.#sync.catchUp(node);
        if (code === 'EPOCH_NOT_DUE') this.#board.apply([await this.#keeper.markNotDue(view.space)]);
        // Somebody else was faster: their epoch is checked like any other.
        if (isPassed) return;
      }
    }
  }

  /** For a conversation that is opened: makes a due epoch now, so that the first message need not wait for it. */
  async warm(node: string): Promise<void> {
    const view = this.#board.view(node);
    if (!view || view.alarm !== null || view.role === null || view.role === 'READER') return;
    // How old an epoch is, is for the server's clock to say.
    if (view.due || (Date.now() - view.epochAt > DAY && (await this.#api.isEpochDue(node)))) await this.make(node);
  }

  /** Whoever makes the next epoch first gives complainers the keys that they were denied (e2ee.md section 6). */
  async #repay(space: string, node: string, member: string): Promise<void> {
    const person = this.#board.person(member);
    for (const { grant, generation } of await this.#keeper.makeGrants(space, member)) {
      if (person.id !== '') await this.#api.grantEpochs(node, person.id, generation, grant);
    }
    this.#board.apply([await this.#keeper.repaid(space, member)]);
  }

  /** The whole list against the members' chains and keys as they are now (e2ee.md section 6). */
  async #check(node: string, space: string, attempt: number): Promise<void> {
    const view = this.#board.view(node);
    await this.#learner.learnMembers((view?.roster ?? []).map(({ member }) => member));
    try {
      await this.#keeper.checkRecipients(space);
    } catch (error) {
      if (codeOf(error) !== 'RECIPIENTS_CHANGED' || attempt >= TRIES) throw error;
      // A member's keys have changed since: the log says so too, and makes a new epoch due. Where it does not, the
      // list was never right, and only a new epoch helps.
      await this.#sync.catchUp(node);
      const now = this.#board.viewOf(space);
      if (now?.due === false && now.epoch === view?.epoch && attempt > 0) this.#board.apply([await this.#keeper.markDue(space)]);
    }
  }

  /** An epoch whose seal does not open is answered with a complaint and nothing else. */
  async #complain(space: string): Promise<void> {
    const complaint = await this.#keeper.takeComplaint(space);
    if (!complaint) return;
    await this.#api.complain(complaint);
    const view = this.#board.viewOf(space);
    if (view) await this.#sync.catchUp(view.node);
  }
}
