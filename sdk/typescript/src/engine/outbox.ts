/** Sends what waits, in order within each conversation, the same bytes until the server has taken them. */
import type { Keeper } from '../crypto';
import { asFailure, codeOf, isUncertain } from '../errors';
import type { Board } from '../state/board';
import { backoff, pause } from '../transport/backoff';
import type { Api } from './api';
import type { Epochs } from './epochs';
import type { Learner } from './learner';
import type { Sync } from './sync';

/** The conversation's keys have moved on since this was sealed: seal again under the same id. */
const SEAL_AGAIN = new Set(['STALE_EPOCH', 'EPOCH_DUE']);
const TRIES = 6;
const FORKED = "The server's record of this conversation does not fit what this device has seen. Nothing more is sent from here.";

export class Outbox {
  readonly #api: Api;
  readonly #keeper: Keeper;
  readonly #epochs: Epochs;
  readonly #learner: Learner;
  readonly #sync: Sync;
  readonly #board: Board;
  readonly #running = new Map<string, Promise<void>>();
  #stop = new AbortController();

  constructor(parts: { api: Api; keeper: Keeper; epochs: Epochs; learner: Learner; sync: Sync; board: Board }) {
    this.#api = parts.api;
    this.#keeper = parts.keeper;
    this.#epochs = parts.epochs;
    this.#learner = parts.learner;
    this.#sync = parts.sync;
    this.#board = parts.board;
  }

  start(): void {
    this.#stop = new AbortController();
  }

  stop(): void {
    this.#stop.abort();
    this.#running.clear();
  }

  /** Sends everything that waits, in all conversations. */
  async flush(): Promise<void> {
    const pending = await this.#keeper.pending();
    for (const node of new Set(pending.filter(({ state }) => state === 'sending').map((one) => one.node))) this.push(node);
  }

  /** Sends what waits in one conversation; returns at once. */
  push(node: string): void {
    if (this.#stop.signal.aborted) return;
    const before = this.#running.get(node) ?? Promise.resolve();
    const mine = before.then(() => this.#drain(node, this.#stop.signal)).catch(() => undefined);
    this.#running.set(node, mine);
  }

  /** Resolves when nothing is being sent in this conversation (for tests and for leaving). */
  async idle(node: string): Promise<void> {
    await this.#running.get(node);
  }

  async #drain(node: string, stop: AbortSignal): Promise<void> {
    for (;;) {
      const waiting = (await this.#keeper.pending()).filter((one) => one.node === node && one.state === 'sending');
      if (waiting.length === 0) return;
      for (const { key } of waiting) {
        if (!(await this.#deliver(node, key, stop))) return;
      }
    }
  }

  /** False when nothing more can be sent now; what waits stays in the outbox then. */
  async #deliver(node: string, key: string, stop: AbortSignal): Promise<boolean> {
    let again = false;
    let refusals = 0;
    let under = 0;
    for (let attempt = 0; !stop.aborted; attempt += 1) {
      try {
        if (again || !(await this.#keeper.isSealed(key))) await this.#epochs.ready(node);
        const { envelope, epoch } = await this.#keeper.seal(key, again);
        again = false;
        under = epoch;
        const { seq, item } = await this.#api.sendMessage(envelope);
        this.#board.apply([await this.#keeper.sent(key, seq, item)]);
        return true;
      } catch (error) {
        const code = codeOf(error);
        if (code === 'GONE') return true;
        const isBroken = code === 'SERVER' || code === 'INTERNAL';
        if (isBroken) refusals += 1;
        if ((isUncertain(error) && refusals < TRIES) || code === 'RATE_LIMITED') {
          const { retryAfter } = asFailure(error);
          await pause(retryAfter === undefined ? backoff(attempt) : retryAfter * 1000, stop);
          continue;
        }
        refusals += 1;
        if (refusals < TRIES && (await this.#recover(node, key, code, under))) {
          again = true;
          continue;
        }
        // Signed out: it stays in the outbox, and goes out after the next sign-in.
        if (code === 'UNAUTHENTICATED' || code === 'LOCKED') return false;
        if (code === 'FORKED_LOG') await this.#alarm(node);
        await this.#fail(key, asFailure(error).message);
        return true;
      }
    }
    return false;
  }

  /** Reading the log may have settled it meanwhile: then nothing has failed. */
  async #fail(key: string, reason: string): Promise<void> {
    try {
      this.#board.apply([await this.#keeper.failed(key, reason)]);
    } catch (error) {
      if (codeOf(error) !== 'GONE') throw error;
    }
  }

  /** True when sealing and sending again may help. */
  async #recover(node: string, key: string, code: string, under: number): Promise<boolean> {
    if (code === 'EPOCH_DUE') {
      await this.#sync.catchUp(node);
      const view = this.#board.view(node);
      // The server also counts hours and envelopes; it says so only here. A newer epoch has settled it already.
      if (view && !view.due && view.epoch === under) this.#board.apply([await this.#keeper.markDue(view.space)]);
      return true;
    }
    if (SEAL_AGAIN.has(code) || code === 'STALE_DEVICE') {
      // Another device was let in or taken out: this one signs at the chain's head.
      if (code === 'STALE_DEVICE') await this.#learner.learnMe();
      await this.#sync.catchUp(node);
      return true;
    }
    if (code === 'FORBIDDEN') {
      // A shorter lifetime has come since it was sealed: the server looks at that before it says that the keys have moved on.
      await this.#sync.catchUp(node);
      return this.#keeper.isTooLasting(key);
    }
    if (code === 'ID_CONFLICT') {
      // An earlier form of it was taken: the log holds it, and reading the log settles it.
      await this.#sync.catchUp(node);
      return false;
    }
    if (code === 'FORKED_LOG') {
      await this.#sync.catchUp(node);
      return true;
    }
    return false;
  }

  async #alarm(node: string): Promise<void> {
    const view = this.#board.view(node);
    if (view) this.#board.apply([await this.#keeper.raiseAlarm(view.space, FORKED)]);
  }
}
