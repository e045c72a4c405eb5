/**
 * Mends what makes messages unreadable, without anybody's doing: complains of keys that do not open, gives keys that
 * others lack, and looks for those that this device lacks (e2ee.md section 6).
 */
import type { Keeper, SpaceView } from '../crypto';
import { codeOf } from '../errors';
import type { Board } from '../state/board';
import { backoff, pause } from '../transport/backoff';
import type { Epochs } from './epochs';
import type { Learner } from './learner';
import type { Sync } from './sync';

/**
 * When to look for keys given by others, in milliseconds, at most: chance shortens each by up to a half. It begins anew
 * when something has changed, or when the person looks, though never without a pause.
 */
const LOOKS = [250, 2_000, 10_000, 60_000];
const LEAST = 125;
/** Epochs looked at together; older ones follow when these are read. */
const AT_ONCE = 50;
const TRIES = 5;
/** Timers of browsers do not reach further than 24 days. */
const FURTHEST = 3_600_000;

export class Mending {
  readonly #learner: Learner;
  readonly #keeper: Keeper;
  readonly #epochs: Epochs;
  readonly #sync: Sync;
  readonly #board: Board;
  /** What is being done, by conversation, so that nothing is done twice at once. */
  readonly #busy = new Set<string>();
  /** How many keys each conversation lacked when they were last looked for. */
  readonly #sought = new Map<string, string>();
  /** Ends the pause of a search that is under way. */
  readonly #wakes = new Map<string, AbortController>();
  #stop = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #unwatch: (() => void) | null = null;

  constructor(parts: { learner: Learner; keeper: Keeper; epochs: Epochs; sync: Sync; board: Board }) {
    this.#learner = parts.learner;
    this.#keeper = parts.keeper;
    this.#epochs = parts.epochs;
    this.#sync = parts.sync;
    this.#board = parts.board;
  }

  start(): void {
    this.stop();
    this.#stop = new AbortController();
    this.#unwatch = this.#board.watch(() => { this.#look(); });
    this.#look();
  }

  stop(): void {
    this.#unwatch?.();
    this.#unwatch = null;
    this.#stop.abort();
    clearTimeout(this.#timer);
    this.#busy.clear();
    this.#sought.clear();
    this.#wakes.clear();
  }

  /** Looks for keys that this conversation lacks, as when it is opened. */
  seek(node: string): void {
    const view = this.#board.view(node);
    if (!view || view.keyless === 0) return;
    this.#sought.delete(view.space);
    this.#look();
  }

  #look(): void {
    const now = Date.now();
    let next = now + FURTHEST;
    for (const view of this.#board.spaces) {
      if (view.role === null || view.isAccount) continue;
      if (view.complains !== null) {
        if (view.complains <= now) this.#once('complain', view, () => this.#epochs.complain(view.space));
        else next = Math.min(next, view.complains);
      }
      const late = view.answersLater.filter(({ at }) => at <= now).map(({ member }) => member);
      const answers = [...new Set([...view.answers, ...late])];
      if (answers.length > 0) this.#once('answer', view, () => this.#answer(view, answers));
      for (const { at } of view.answersLater) if (at > now) next = Math.min(next, at);
      const lacks = `${view.keyless} ${view.epoch}`;
      if (view.keyless > 0 && this.#sought.get(view.space) !== lacks) {
        this.#sought.set(view.space, lacks);
        this.#wakes.get(view.space)?.abort();
        this.#once('seek', view, () => this.#seek(view));
      }
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => { this.#look(); }, next - now);
  }

  /** A failure of the network is tried again a few times; another waits for the next change. */
  #once(what: string, { space, node }: SpaceView, task: () => Promise<void>): void {
    const name = `${what} ${space}`;
    const { signal } = this.#stop;
    if (this.#busy.has(name)) return;
    this.#busy.add(name);
    const isOver = () => signal.aborted;
    const run = async () => {
      for (let attempt = 0; attempt < TRIES && !isOver(); attempt += 1) {
        try {
          await task();
          return;
        } catch (error) {
          if (isOver() || codeOf(error) === 'LOCKED' || codeOf(error) === 'NOT_A_MEMBER') return;
          await this.#sync.catchUp(node).catch(() => undefined);
        }
        await pause(backoff(attempt), signal);
      }
    };
    void run().finally(() => {
      if (!isOver()) this.#busy.delete(name);
    });
  }

  /** Gives what is owed, then sees that the due epoch is made; several may do so, and one is faster. */
  async #answer({ space, node }: SpaceView, answers: string[]): Promise<void> {
    for (const member of answers) await this.#epochs.give(node, member);
    await pause(Math.random() * 500, this.#stop.signal);
    if (!this.#stop.signal.aborted && this.#board.viewOf(space)?.due === true) await this.#epochs.warm(node);
  }

  async #seek({ space, node }: SpaceView): Promise<void> {
    const { signal } = this.#stop;
    const isOver = () => signal.aborted;
    try {
      for (let look = 0; look < LOOKS.length && !isOver(); look += 1) {
        const wake = new AbortController();
        this.#wakes.set(space, wake);
        const numbers = (await this.#keeper.missing(space)).slice(0, AT_ONCE);
        if (numbers.length === 0) return;
        if (await this.#learner.retryEpochs(node, space, numbers)) await this.#sync.reload(node);
        else {
          await pause(LEAST + Math.random() * LEAST, signal);
          await pause((LOOKS[look] ?? 0) * (0.5 + Math.random() / 2), AbortSignal.any([signal, wake.signal]));
        }
        if (wake.signal.aborted) look = -1;
      }
    } finally {
      if (!isOver()) this.#wakes.delete(space);
    }
  }
}
