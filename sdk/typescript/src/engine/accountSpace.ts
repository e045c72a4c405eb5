/** The member's own account space: keeps what it says in sight, and writes what this device has to tell the others. */
import type { Keeper } from '../crypto';
import type { Board } from '../state/board';
import type { Account } from './account';
import type { Learner } from './learner';
import type { Outbox } from './outbox';
import type { Sync } from './sync';

/** How often this device looks whether it has something to tell, in milliseconds; with some jitter. */
const LOOK = 60_000;
/** Epochs looked at together. */
const AT_ONCE = 50;

export class AccountSpace {
  readonly #keeper: Keeper;
  readonly #learner: Learner;
  readonly #outbox: Outbox;
  readonly #sync: Sync;
  readonly #account: Account;
  readonly #board: Board;
  #sought = '';
  #timer: ReturnType<typeof setTimeout> | undefined;
  #tending: Promise<void> | null = null;

  constructor(parts: { keeper: Keeper; learner: Learner; outbox: Outbox; sync: Sync; account: Account; board: Board }) {
    this.#keeper = parts.keeper;
    this.#learner = parts.learner;
    this.#outbox = parts.outbox;
    this.#sync = parts.sync;
    this.#account = parts.account;
    this.#board = parts.board;
  }

  start(): void {
    void this.refresh().catch(() => undefined);
    this.#wait();
  }

  stop(): void {
    this.#sought = '';
    clearTimeout(this.#timer);
  }

  /** Shows what the account's log says now. */
  async refresh(): Promise<void> {
    this.#board.setAccount(await this.#keeper.account());
  }

  /** Level with the server: compares with what other devices have seen, and tells them what is new here. */
  tend(): Promise<void> {
    this.#tending ??= this.#tend().finally(() => { this.#tending = null; });
    return this.#tending;
  }

  /** The recovery key in force was written down: all devices stop reminding. */
  async setRecoveryKeyConfirmed(confirmed: boolean): Promise<void> {
    await this.#keeper.setRecoveryKeyConfirmed(confirmed);
    await this.refresh();
    await this.push();
  }

  /** Sends what waits for the account's space. */
  async push(): Promise<void> {
    const { space } = await this.#keeper.account();
    const view = space === null ? undefined : this.#board.viewOf(space);
    if (view) this.#outbox.push(view.node);
  }

  async #tend(): Promise<void> {
    await this.#learner.learnMembers(await this.#keeper.behind());
    this.#board.apply(await this.#keeper.checkBounds());
    await this.#readAgain();
    await this.#tellKey();
    await this.refresh();
    if (await this.#keeper.queuePins()) await this.push();
  }

  /** Entries whose keys were not there yet: looked for again whenever the account's keys have moved on. */
  async #readAgain(): Promise<void> {
    const { space } = await this.#keeper.account();
    const view = space === null ? undefined : this.#board.viewOf(space);
    const lacks = `${view?.keyless} ${view?.epoch}`;
    if (!view || view.keyless === 0 || this.#sought === lacks) return;
    const numbers = (await this.#keeper.missing(view.space)).slice(0, AT_ONCE);
    if (await this.#learner.retryEpochs(view.node, view.space, numbers, true)) {
      await this.#keeper.rereadAccount(await this.#learner.eventsAfter(view.node, 0, true));
      await this.#sync.refreshMarkers();
    }
    // Not before: where the network failed, it is looked again.
    this.#sought = lacks;
  }

  /** What this browser noted before the account's log could be written. */
  async #tellKey(): Promise<void> {
    const { current } = this.#account;
    if (current?.isKeyConfirmed !== true || current.isKeyTold === true || (await this.#keeper.account()).space === null) return;
    await this.#keeper.setRecoveryKeyConfirmed(true);
    await this.#account.note({ isKeyTold: true });
  }

  #wait(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const isOnline = this.#board.isOnline;
      void (isOnline ? this.tend() : Promise.resolve()).catch(() => undefined).finally(() => { this.#wait(); });
    }, LOOK * (0.75 + Math.random() / 2));
  }
}
