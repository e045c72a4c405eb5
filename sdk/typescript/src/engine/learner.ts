/** Fetches what the machine must know before it can judge: members' chains, epochs, whole conversations. */
import type { Keeper } from '../crypto';
import type { LogEvent, MarkerBytes, Needs, PersonRecord, Snapshot } from '../crypto';
import type { Board } from '../state/board';
import { inParallel } from '../parallel';
import type { Api, EventPage } from './api';
import { learnIdentities } from './identities';
import type { Keys } from './keys';

/** What was learned may name others in turn: a chain's signer, an epoch's creator. */
const ROUNDS = 4;
/** A gap is filled page by page; beyond this something is wrong with the answers. */
const PAGES = 10_000;
/** Epochs that are asked for side by side. */
const AT_ONCE = 4;

export class Learner {
  readonly #api: Api;
  readonly #keeper: Keeper;
  readonly #keys: Keys;
  readonly #board: Board;

  constructor(parts: { api: Api; keeper: Keeper; keys: Keys; board: Board }) {
    this.#api = parts.api;
    this.#keeper = parts.keeper;
    this.#keys = parts.keys;
    this.#board = parts.board;
  }

  /** The members' chains and keys as the server has them now, verified and kept. */
  async learnMembers(members: string[]): Promise<void> {
    if (members.length === 0) return;
    const { identities, changes } = await learnIdentities(this.#api, this.#keeper, members);
    this.#board.meet(identities.map(({ person }) => person));
    // A mark falls with the identity that it was for.
    this.#board.setAccount(await this.#keeper.account());
    this.#board.apply(changes);
  }

  /** Earlier keys of members, where the newest list of recipients still names them (docs/decisions/0063). */
  learnOlder(space: string): Promise<void> {
    return this.#keys.learnOlder(space);
  }

  /** The own chain: other devices change it. */
  async learnMe(): Promise<void> {
    const { me } = this.#board;
    if (me) await this.learnMembers([me.id]);
  }

  /** Of these members those whose chains were never learned. */
  async learnUnknown(members: string[]): Promise<void> {
    await this.learnMembers(await this.#keeper.unknownOf(members));
  }

  async prepare(events: LogEvent[]): Promise<void> {
    await this.#satisfy(() => this.#keeper.needs(events));
  }

  async prepareMarkers(markers: MarkerBytes[]): Promise<void> {
    await this.#satisfy(() => this.#keeper.needsOfMarkers(markers));
  }

  /** Looks again at epochs as the server shows them now; true when what lies under some of them can be read again. */
  async retryEpochs(node: string, space: string, numbers: number[], isAccount = false): Promise<boolean> {
    for (const number of numbers) await this.#keeper.learnEpoch(space, number, await this.#api.epoch(node, number, isAccount));
    await this.#satisfy(() => this.#keeper.needsOfEpochs(space, numbers));
    return this.#keeper.retryEpochs(space, numbers);
  }

  /** With `common`, a person's decision to go on with what the server shows since that entry. */
  async prepareSnapshot(snapshot: Snapshot, common?: number): Promise<void> {
    await this.#satisfy(() => this.#keeper.needsOf(snapshot, common));
  }

  /** Loads a conversation that this device does not know, and what is needed to judge it. */
  async snapshot(node: string): Promise<{ snapshot: Snapshot; before: string | null }> {
    const { before, ...snapshot } = await this.#api.snapshot(node);
    await this.prepareSnapshot(snapshot);
    return { snapshot, before };
  }

  /** A space's events after `seq`, ascending, by walking back from its head. */
  async eventsAfter(node: string, seq: number, isAccount: boolean): Promise<LogEvent[]> {
    const pages: LogEvent[][] = [];
    let before: string | null = null;
    for (let count = 0; count < PAGES; count += 1) {
      const page: EventPage = await this.#api.eventsBefore(node, before, isAccount);
      pages.push(page.events.filter((event) => event.seq > seq));
      before = page.before;
      const [lowest] = page.events;
      if (before === null || !lowest || lowest.seq <= seq + 1) break;
    }
    return pages.reverse().flat();
  }

  async names(people: PersonRecord[]): Promise<void> {
    await this.#keeper.rememberPeople(people);
    this.#board.meet(people);
  }

  async #satisfy(ask: () => Promise<Needs>): Promise<void> {
    let last = '';
    for (let round = 0; round < ROUNDS; round += 1) {
      const needs = await ask();
      const asked = JSON.stringify(needs);
      // Asking the same again would get the same answer: the machine then says what cannot be read.
      if (asked === last || isNothing(needs)) return;
      last = asked;
      // Before the wraps: they are under the newest key.
      if (needs.ownKey) await this.#keys.takeNewest();
      if (needs.wraps) await this.#keys.showWraps();
      await this.learnMembers(needs.members);
      await inParallel(needs.epochs, AT_ONCE, async ({ space, node, number, isAccount }) => {
        await this.#keeper.learnEpoch(space, number, await this.#api.epoch(node, number, isAccount));
      });
    }
  }
}

function isNothing({ members, epochs, ownKey, wraps }: Needs): boolean {
  return members.length === 0 && epochs.length === 0 && !ownKey && !wraps;
}
