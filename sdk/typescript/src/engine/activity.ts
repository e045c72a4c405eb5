/** Whether somebody is using this page: for what others are told of one's presence. */
import { SIGNS } from './idle';
import { isPageVisible } from './page';

/** Nobody has touched it for so long, in milliseconds: they are away. */
const AWAY_AFTER = 5 * 60_000;

export class Activity {
  readonly #signs: EventTarget | null;
  readonly #onChange: (isActive: boolean) => void;
  #listening: AbortController | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isActive = true;

  /** `signs`: where the person's doings are heard; null where there is no person: always active then. */
  constructor(signs: EventTarget | null, onChange: (isActive: boolean) => void) {
    this.#signs = signs;
    this.#onChange = onChange;
  }

  get isActive(): boolean {
    return this.#isActive;
  }

  start(): void {
    this.stop();
    this.#isActive = isPageVisible();
    if (!this.#signs) return;
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    const use = () => { this.#use(); };
    for (const sign of SIGNS) this.#signs.addEventListener(sign, use, { signal, passive: true });
    this.#signs.addEventListener('visibilitychange', () => {
      if (isPageVisible()) this.#use();
      else this.#set(false);
    }, { signal });
    this.#wait();
  }

  stop(): void {
    this.#listening?.abort();
    this.#listening = null;
    clearTimeout(this.#timer);
  }

  #use(): void {
    this.#wait();
    this.#set(true);
  }

  #wait(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => { this.#set(false); }, AWAY_AFTER);
  }

  #set(isActive: boolean): void {
    if (this.#isActive === isActive) return;
    this.#isActive = isActive;
    this.#onChange(isActive);
  }
}
