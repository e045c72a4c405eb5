/** The two ways out of an alarm: give the server back what it has lost, or go on with what it shows (docs/decisions/0082). */
import type { AlarmView, Keeper, OwnEntry, SpaceView } from '../crypto';
import { asFailure, CircleFailure, codeOf } from '../errors';
import type { Board } from '../state/board';
import type { Api } from './api';
import { learnIdentities } from './identities';
import type { Learner } from './learner';
import type { Sync } from './sync';

/** The member's own account space, which has no conversation's id. */
export const ACCOUNT = 'account';
/** What the server has again, how far its log reaches now, and why it went no further where that was a refusal. */
export interface Returned {
  space: string;
  given: number[];
  head: number;
  refused: string | null;
}

/** Pages of a log that are compared before one takes it that nothing is the same. */
const PAGES = 400;
const NOTHING_TO_DECIDE = new CircleFailure('INVALID', 'There is nothing to decide here.');

export class Alarms {
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

  async of(id: string): Promise<AlarmView | null> {
    return this.#keeper.alarmOf((await this.#view(id)).space);
  }

  /** Entry by entry from the server's head on, for as long as the next one is this device's to give. */
  async offer(id: string): Promise<Returned> {
    const { space, node, isAccount } = await this.#view(id);
    if ((await this.#keeper.alarmOf(space))?.canOffer !== true) throw new CircleFailure('INVALID', 'This device has nothing that the server lacks here.');
    const returned: Returned = { space, given: [], head: 0, refused: null };
    for (;;) {
      const head = (await this.#api.heads()).find((one) => one.space === space);
      if (!head) return returned;
      returned.head = head.head;
      const { next, change } = await this.#keeper.level(space, head.head, head.headHash);
      if (change) this.#board.apply([change]);
      if (!next) break;
      returned.refused = await this.#give(next);
      if (returned.refused !== null) break;
      returned.given.push(next.seq);
    }
    await this.#sync.catchUp(node);
    if (isAccount) this.#board.setAccount(await this.#keeper.account());
    return returned;
  }

  /** Null where the server takes it; why not, where it does not any more: an epoch has ended, an id is too old. */
  async #give(entry: OwnEntry): Promise<string | null> {
    try {
      switch (entry.kind) {
        case 'envelope':
          return (await this.#api.sendMessage(entry.envelope)).seq === entry.seq ? null : 'The server has put it in another place.';
        case 'roster':
          await this.#api.changeRoster(entry);
          return null;
        case 'complaint':
          await this.#api.complain(entry);
          return null;
        case 'epoch':
          await this.#api.announceEpoch(entry);
          return null;
      }
    } catch (error) {
      if (['OFFLINE', 'TIMEOUT', 'UNAUTHENTICATED', 'RATE_LIMITED', 'SERVER', 'INTERNAL', 'UNAVAILABLE'].includes(codeOf(error))) throw error;
      return asFailure(error).message;
    }
  }

  async accept(id: string): Promise<void> {
    const view = await this.#view(id);
    if (view.isAccount) await this.#acceptAccount(view);
    else await this.#sync.decide(() => this.#accept(view));
  }

  async #accept({ space, node, roster }: SpaceView): Promise<void> {
    if (!(await this.#keeper.alarmOf(space))) throw NOTHING_TO_DECIDE;
    const shown = await this.#api.snapshot(node).catch((error: unknown) => {
      if (codeOf(error) !== 'NOT_FOUND') throw error;
      return null;
    });
    // A restored server also shows what it has of their keys: what contradicts them is part of the decision.
    const { identities, changes } = await learnIdentities(this.#api, this.#keeper, roster.map(({ member }) => member));
    this.#board.apply(changes);
    if (!shown) {
      this.#board.apply(await this.#keeper.acceptState(space, 0, null, identities));
      return;
    }
    const { before, ...snapshot } = shown;
    const common = await this.#common(space, node, snapshot.events, before);
    await this.#learner.prepareSnapshot(snapshot, common);
    this.#board.apply(await this.#keeper.acceptState(space, common, snapshot, identities));
  }

  /** The newest entry that both sides have; 0 where none was found. */
  async #common(space: string, node: string, newest: Parameters<Keeper['commonPoint']>[1], before: string | null): Promise<number> {
    const start = await this.#keeper.start(space);
    let [events, cursor] = [newest, before];
    for (let page = 0; page < PAGES; page += 1) {
      const found = await this.#keeper.commonPoint(space, events);
      if (found !== null) return found;
      if (cursor === null || (events[0]?.seq ?? 0) <= start) return 0;
      ({ events, before: cursor } = await this.#api.eventsBefore(node, cursor));
    }
    return 0;
  }

  async #acceptAccount({ space, node }: SpaceView): Promise<void> {
    if (!(await this.#keeper.alarmOf(space))) throw NOTHING_TO_DECIDE;
    await this.#sync.decide(async () => {
      const events = await this.#learner.eventsAfter(node, 0, true);
      await this.#keeper.restartAccount();
      await this.#learner.prepare(events);
      this.#board.apply(await this.#keeper.apply(events, null));
      this.#board.setAccount(await this.#keeper.account());
    });
  }

  async #view(id: string): Promise<SpaceView> {
    const own = id === ACCOUNT ? (await this.#keeper.account()).space : null;
    const view = own === null ? this.#board.view(id) : this.#board.viewOf(own);
    if (!view) throw new CircleFailure('NOT_FOUND', 'This conversation is not known on this device.');
    return view;
  }
}
