/** Makes a conversation ready to send: a current epoch that this device has checked, made here when one is due. */
import type { Keeper, SpaceView } from '../crypto';
import { CircleFailure, codeOf, isUncertain } from '../errors';
import type { Board } from '../state/board';
import type { Api } from './api';
import type { Learner } from './learner';
import type { Sync } from './sync';

/** Others make epochs too; more collisions than this in a row are no coincidence. */
const TRIES = 4;
const SHUT_OUT = new CircleFailure('NOT_LET_IN', 'You began anew with a new identity. Someone in this conversation has to let you in again before you can write here.');
const DUE = new CircleFailure('EPOCH_DUE', 'This conversation needs new keys first.');
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

  /**
   * Throws a CircleFailure when nothing may be sent to this conversation. Without `makes` no new keys are made for it:
   * EPOCH_DUE where they are due.
   */
  async ready(node: string, makes = true): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      const view = this.#board.view(node);
      if (!view || view.role === null) throw new CircleFailure('NOT_A_MEMBER', 'You are no longer a member of this conversation.');
      if (view.alarm !== null) throw new CircleFailure('ALARM', view.alarm);
      if (view.roster.some(({ member, changed }) => changed && member === this.#board.me?.id)) throw SHUT_OUT;
      if (view.complains !== null && view.complains <= Date.now()) await this.complain(view.space);
      if (view.due || (await this.#isOverdue(view))) {
        if (!makes) throw DUE;
        await this.make(node);
      } else if (await this.#keeper.isEpochChecked(view.space)) return;
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
        // First the grants: whoever takes the new epoch looks for grants then, too.
        for (const member of view.owes) await this.give(node, member);
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
    if (view.due || (await this.#isOverdue(view))) await this.make(node);
  }

  /** An epoch closes after a day. How old it is, is for the server's clock to say. */
  async #isOverdue({ node, epochAt, isAccount }: SpaceView): Promise<boolean> {
    return !isAccount && Date.now() - epochAt > DAY && this.#api.isEpochDue(node);
  }

  /**
   * Gives a newcomer earlier history, or a complainer the keys that they were denied (e2ee.md section 6). What the
   * server refuses for good is owed no longer.
   */
  async give(node: string, member: string): Promise<void> {
    const view = this.#board.view(node);
    if (!view) return;
    const { space } = view;
    await this.#learnEpochs(node, space, await this.#keeper.unlearned(space, member));
    for (let attempt = 0; ; attempt += 1) {
      await this.#learner.learnMembers([member]);
      const person = this.#board.person(member);
      try {
        for (const { grant, generation } of await this.#keeper.makeGrants(space, member)) {
          await this.#api.grantEpochs(node, person.id, generation, grant);
        }
        break;
      } catch (error) {
        // The member's key was rotated meanwhile: sealed again to the new one.
        if (codeOf(error) === 'GENERATION_CONFLICT' && attempt < TRIES) continue;
        if (isUncertain(error) || codeOf(error) === 'LOCKED') throw error;
        break;
      }
    }
    this.#board.apply([await this.#keeper.repaid(space, member)]);
  }

  /** Keys of epochs that this device never looked at, the newest first, for each is checked against the one after it. */
  async #learnEpochs(node: string, space: string, numbers: number[]): Promise<void> {
    if (numbers.length > 0 && (await this.#learner.retryEpochs(node, space, numbers))) await this.#sync.reload(node);
  }

  /** The whole list against the members' chains and keys as they are now (e2ee.md section 6). */
  async #check(node: string, space: string, attempt: number): Promise<void> {
    const view = this.#board.view(node);
    await this.#learner.learnMembers((view?.roster ?? []).map(({ member }) => member));
    await this.#learner.learnOlder(space);
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
  async complain(space: string): Promise<void> {
    for (let next = await this.#keeper.takeComplaint(space); next; next = await this.#keeper.takeComplaint(space)) {
      try {
        await this.#api.complain(next.complaint);
      } catch (error) {
        // Refused for this hour, as when another device of the member was faster: it is said in the log anyway.
        if (isUncertain(error) || ['STALE_DEVICE', 'LOCKED', 'UNAUTHENTICATED'].includes(codeOf(error))) throw error;
      }
      this.#board.apply([await this.#keeper.complained(space, next.epoch)]);
    }
    const view = this.#board.viewOf(space);
    if (view) await this.#sync.catchUp(view.node);
  }
}
