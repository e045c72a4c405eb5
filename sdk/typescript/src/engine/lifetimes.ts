/** Takes away what has expired when it does, and has owners' titles sealed anew before they do (e2ee.md section 9). */
import type { Keeper, SpaceView } from '../crypto';
import type { Board } from '../state/board';
import type { Outbox } from './outbox';

/** Timers of browsers do not reach further than 24 days, and stand still while a machine sleeps. */
const FURTHEST = 3_600_000;
/** After a failure of the store. */
const AGAIN = 15_000;
/** A title that was queued is not queued again meanwhile, although it was not accepted yet. */
const RENEW_AGAIN = 3_600_000;

export class Lifetimes {
  readonly #keeper: Keeper;
  readonly #board: Board;
  readonly #outbox: Outbox;
  readonly #renewed = new Map<string, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #at = Infinity;
  #unwatch: (() => void) | null = null;
  #isRunning = false;

  constructor(parts: { keeper: Keeper; board: Board; outbox: Outbox }) {
    this.#keeper = parts.keeper;
    this.#board = parts.board;
    this.#outbox = parts.outbox;
  }

  start(): void {
    this.stop();
    this.#unwatch = this.#board.watch(() => { this.#plan(); });
    this.#plan();
  }

  stop(): void {
    this.#unwatch?.();
    this.#unwatch = null;
    clearTimeout(this.#timer);
    this.#at = Infinity;
    this.#renewed.clear();
  }

  /** Looks now, as after a sleep of the machine. */
  wake(): void {
    if (this.#unwatch) void this.#run();
  }

  /** Sets the timer for what is due next; cheap, for it runs after every change. */
  #plan(): void {
    if (this.#isRunning) return;
    const now = Date.now();
    const at = Math.min(now + FURTHEST, ...this.#board.spaces.flatMap((view) => [view.expires ?? Infinity, this.#renewal(view)]));
    // A clock that was put forward, or a machine that slept, makes a timer late.
    if (at === this.#at && at > now) return;
    clearTimeout(this.#timer);
    this.#at = at;
    this.#timer = setTimeout(() => { void this.#run(); }, Math.max(0, at - now));
  }

  #renewal({ space, renewsTitle, title }: SpaceView): number {
    return renewsTitle === null || title === null ? Infinity : Math.max(renewsTitle, this.#renewed.get(space) ?? 0);
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    clearTimeout(this.#timer);
    let isDone = false;
    try {
      const now = Date.now();
      const isOver = () => this.#board.spaces.some(({ expires }) => expires !== null && expires <= now);
      if (isOver()) this.#board.apply(await this.#keeper.expire());
      const isClean = !isOver();
      for (const view of this.#board.spaces) if (this.#renewal(view) <= now) await this.#renewTitle(view, now);
      isDone = isClean;
    } catch {
      // Locked meanwhile, or the store failed: it is tried again soon.
    } finally {
      this.#isRunning = false;
      this.#at = Infinity;
    }
    if (!this.#unwatch) return;
    if (isDone) this.#plan();
    else this.#timer = setTimeout(() => { void this.#run(); }, AGAIN);
  }

  async #renewTitle({ space, node, title, picture, alarm }: SpaceView, now: number): Promise<void> {
    // Only when level with the server: an older title must not take the place of a newer one.
    this.#renewed.set(space, now + (this.#board.isLevel ? RENEW_AGAIN : AGAIN));
    if (!this.#board.isLevel || title === null || alarm !== null) return;
    await this.#keeper.queueState(space, title, picture);
    this.#outbox.push(node);
  }
}
