/** Tells the server how far this member has read and received, sealed, when it does not know yet; rarely enough. */
import type { Keeper, MarkerScope, SpaceView, Tells } from '../crypto';
import { asFailure, codeOf, isUncertain } from '../errors';
import type { Board } from '../state/board';
import { hasReceipts } from '../state/receipts';
import { backoff, pause } from '../transport/backoff';
import type { Epochs } from './epochs';
import type { Learner } from './learner';
import type { Privacy } from './privacy';
import { MarkerConflict, type ReadingApi } from './readingApi';
import type { Sync } from './sync';

/** Of one conversation's own marker, and of its receipt, at most one in so many milliseconds. */
const EVERY = 2_000;
/** Conversations that are told of side by side: after a long absence there may be many. */
const AT_ONCE = 2;
const TRIES = 5;
/** Between tries after a conflict with another device, in milliseconds. */
const FIRST = 50;
const MOST = 1_000;
/** After a failure of the network, and for what the server does not take as things are. */
const AGAIN = 5_000;
const LATER = 600_000;
const MOVED = new Set(['STALE_EPOCH', 'EPOCH_DUE', 'STALE_DEVICE', 'FORKED_LOG']);

type Api = Pick<ReadingApi, 'setMarker'>;

export class Markers {
  readonly #api: Api;
  readonly #keeper: Keeper;
  readonly #epochs: Pick<Epochs, 'ready'>;
  readonly #learner: Pick<Learner, 'learnMe'>;
  readonly #sync: Pick<Sync, 'catchUp' | 'takeMarkers'>;
  readonly #privacy: Pick<Privacy, 'recent'>;
  readonly #board: Board;
  /** Not before this moment, by conversation and scope; after a refusal also with the next epoch. */
  readonly #notBefore = new Map<string, { at: number; epoch: number | null }>();
  readonly #busy = new Set<string>();
  readonly #failures = new Map<string, number>();
  #stop = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #unwatch: (() => void) | null = null;

  constructor(parts: { api: Api; keeper: Keeper; epochs: Pick<Epochs, 'ready'>; learner: Pick<Learner, 'learnMe'>; sync: Pick<Sync, 'catchUp' | 'takeMarkers'>; privacy: Pick<Privacy, 'recent'>; board: Board }) {
    this.#api = parts.api;
    this.#keeper = parts.keeper;
    this.#epochs = parts.epochs;
    this.#learner = parts.learner;
    this.#sync = parts.sync;
    this.#privacy = parts.privacy;
    this.#board = parts.board;
  }

  start(): void {
    this.stop();
    this.#stop = new AbortController();
    this.#unwatch = this.#board.watch(() => { this.look(); });
    this.look();
  }

  stop(): void {
    this.#unwatch?.();
    this.#unwatch = null;
    this.#stop.abort();
    clearTimeout(this.#timer);
    this.#notBefore.clear();
    this.#failures.clear();
    this.#busy.clear();
  }

  /** Tells what may be told now, and sees to the rest when its time has come. */
  look(): void {
    clearTimeout(this.#timer);
    if (!this.#unwatch || !this.#board.isLevel) return;
    const now = Date.now();
    let next = Infinity;
    for (const view of this.#board.spaces) {
      for (const scope of this.#wanted(view)) {
        const key = `${view.space} ${scope}`;
        const wait = this.#notBefore.get(key);
        const at = wait && (wait.epoch === null || wait.epoch === view.epoch) ? wait.at : 0;
        if (at > now) next = Math.min(next, at);
        else if (this.#busy.size < AT_ONCE && !this.#busy.has(key)) this.#begin(view, scope, key);
      }
    }
    if (next < Infinity) this.#timer = setTimeout(() => { this.look(); }, next - now);
  }

  #wanted(view: SpaceView): MarkerScope[] {
    if (view.role === null || view.alarm !== null) return [];
    const tells = this.#tells(view);
    const isReceiptDue = (tells.delivered && view.untold.delivered) || (tells.read && view.untold.read);
    return [...(view.untold.own ? (['OWN'] as const) : []), ...(isReceiptDue ? (['RECEIPT'] as const) : [])];
  }

  /** What others may be told. Nothing is sealed under keys that are over: whoever writes next makes new ones. */
  #tells(view: SpaceView): Tells {
    const { privacy } = this.#board;
    const may = privacy !== null && hasReceipts(view) && !view.due;
    return { delivered: may && privacy.deliveryReceipts, read: may && privacy.readReceipts };
  }

  #begin(view: SpaceView, scope: MarkerScope, key: string): void {
    const { signal } = this.#stop;
    this.#busy.add(key);
    this.#notBefore.set(key, { at: Date.now() + EVERY, epoch: null });
    void this.#set(view.node, scope, signal)
      .then(() => { this.#failures.delete(key); })
      .catch((error: unknown) => {
        if (signal.aborted) return;
        const failures = this.#failures.get(key) ?? 0;
        this.#failures.set(key, failures + 1);
        const isRefused = !isUncertain(error) && asFailure(error).retryAfter === undefined;
        this.#notBefore.set(key, { at: Date.now() + delayAfter(error, failures), epoch: isRefused ? view.epoch : null });
      })
      .finally(() => {
        if (signal.aborted) return;
        this.#busy.delete(key);
        this.look();
      });
  }

  async #set(node: string, scope: MarkerScope, stop: AbortSignal): Promise<void> {
    for (let attempt = 0; !stop.aborted; attempt += 1) {
      if (scope === 'RECEIPT') await this.#privacy.recent();
      const view = this.#board.view(node);
      if (!view || !this.#wanted(view).includes(scope)) return;
      const sealedIn = scope === 'OWN' ? this.#board.account?.node : node;
      // Before the account's first entry there is nothing to seal it in.
      if (sealedIn === undefined) return;
      // For receipts nobody makes new keys: they wait for whoever writes next.
      await this.#epochs.ready(sealedIn, scope === 'OWN');
      const made = await this.#keeper.makeMarker(view.space, scope, this.#tells(view));
      if (!made) return;
      try {
        const version = await this.#api.setMarker(node, made);
        this.#board.apply([await this.#keeper.markerTold(view.space, made, version)]);
        return;
      } catch (error) {
        if (attempt + 1 >= TRIES || !(await this.#recover(error, sealedIn, scope))) throw error;
        await pause(backoff(attempt, FIRST, MOST), stop);
      }
    }
  }

  /** True when making it anew may help. */
  async #recover(error: unknown, sealedIn: string, scope: MarkerScope): Promise<boolean> {
    if (error instanceof MarkerConflict) {
      await this.#sync.takeMarkers([error.current]);
      return true;
    }
    const code = codeOf(error);
    if (!MOVED.has(code)) return false;
    if (code === 'STALE_DEVICE') await this.#learner.learnMe();
    await this.#sync.catchUp(sealedIn);
    const view = this.#board.view(sealedIn);
    // The server also counts hours and envelopes. For the account's keys this device sees to it; receipts can wait.
    if (code === 'EPOCH_DUE' && view && !view.due) this.#board.apply([await this.#keeper.markDue(view.space)]);
    return code !== 'EPOCH_DUE' || scope === 'OWN';
  }
}

function delayAfter(error: unknown, failures: number): number {
  const { code, retryAfter } = asFailure(error);
  if (retryAfter !== undefined) return Math.max(EVERY, retryAfter * 1_000);
  return isUncertain(error) || code === 'MARKER_CONFLICT' ? backoff(failures, AGAIN, LATER) : backoff(failures, LATER / 10, LATER);
}
