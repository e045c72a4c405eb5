/** Locks Circle when nobody has used it for a while. */
const MINUTE = 60_000;
/** Timers of browsers do not reach further than 24 days. */
const FURTHEST = 86_400_000;
export const SIGNS = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart'];

export interface IdleEvents {
  /** Nobody has used it for as long as was said. */
  onIdle: () => void;
  /** Somebody uses it: told at most once a minute. */
  onUse: () => void;
}

export class Idle {
  readonly #signs: EventTarget | null;
  readonly #events: IdleEvents;
  #minutes: number | null = null;
  #usedAt = 0;
  #toldAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #listening: AbortController | null = null;

  /** `signs`: where the person's doings are heard; null where there is no person. */
  constructor(signs: EventTarget | null, events: IdleEvents) {
    this.#signs = signs;
    this.#events = events;
  }

  /** Counts from now; null: never. */
  start(minutes: number | null): void {
    this.stop();
    this.#minutes = minutes;
    if (minutes === null || !this.#signs) return;
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    for (const sign of SIGNS) this.#signs.addEventListener(sign, () => { this.#use(); }, { signal, passive: true });
    // After a sleep of the machine the timer is late: nothing is shown before it was looked at.
    this.#signs.addEventListener('visibilitychange', () => { this.#check(); }, { signal });
    this.#usedAt = Date.now();
    this.#toldAt = this.#usedAt;
    this.#check();
  }

  stop(): void {
    this.#listening?.abort();
    this.#listening = null;
    clearTimeout(this.#timer);
  }

  #use(): void {
    // The first touch after too long a pause comes too late.
    if (!this.#check()) return;
    this.#usedAt = Date.now();
    if (this.#usedAt - this.#toldAt < MINUTE) return;
    this.#toldAt = this.#usedAt;
    this.#events.onUse();
  }

  /** False when the time is over. */
  #check(): boolean {
    clearTimeout(this.#timer);
    if (this.#minutes === null || !this.#listening) return false;
    const left = this.#usedAt + this.#minutes * MINUTE - Date.now();
    if (left <= 0) {
      this.stop();
      this.#events.onIdle();
      return false;
    }
    this.#timer = setTimeout(() => { this.#check(); }, Math.min(left, FURTHEST));
    return true;
  }
}
