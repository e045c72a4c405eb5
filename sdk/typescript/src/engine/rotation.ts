/** Renews the member's key: when it is due, and with what must not be without it (e2ee.md section 8). */
import { equal } from '../bytes';
import type { Keeper, OwnKeys, RotationBytes, RotationChange, ShownSeal } from '../crypto';
import { codeOf, isUncertain } from '../errors';
import { Mutex } from '../mutex';
import { backoff, pause } from '../transport/backoff';
import type { Api } from './api';
import { Incomplete, type DeviceApi } from './deviceApi';
import type { Keys } from './keys';

const TRIES = 8;
/** How often epochs are asked for that grants name, and how often grants that the server names and does not show. */
const ROUNDS = 20;
const LOOKS = 3;
/** How often the own key is looked at, in milliseconds; spread, so that siblings do not rotate at once. */
const LOOK = 10 * 60_000;
/** Another device was faster, or something came in meanwhile: made again on what is there now. */
const LOST = new Set(['GENERATION_CONFLICT', 'CHAIN_CONFLICT', 'REWRAP_INCOMPLETE', 'KEYS_BEHIND']);

/** Whether what was wanted is there, by the own keys as they are now. */
export type IsDone = (own: OwnKeys) => boolean | Promise<boolean>;

/** What refusals have told so far: devices that want a box, and grants, which are then looked for everywhere. */
interface Lacking {
  boxes: Set<string>;
  isThorough: boolean;
  /** How often the server named grants although nothing new was found, and how many are known. */
  looks: number;
  seen: number;
}

function note(lacking: Lacking, { boxes, lacksGrants }: Incomplete): void {
  for (const device of boxes) lacking.boxes.add(device);
  if (!lacksGrants) return;
  if (lacking.isThorough) lacking.looks += 1;
  lacking.isThorough = true;
}

export class Rotation {
  readonly #api: Api;
  readonly #devices: DeviceApi;
  readonly #keeper: Keeper;
  readonly #keys: Keys;
  readonly #lock = new Mutex();
  #stop = new AbortController();
  #looked = 0;

  constructor(parts: { api: Api; devices: DeviceApi; keeper: Keeper; keys: Keys }) {
    this.#api = parts.api;
    this.#devices = parts.devices;
    this.#keeper = parts.keeper;
    this.#keys = parts.keys;
  }

  start(): void {
    this.stop();
    this.#stop = new AbortController();
    this.#looked = 0;
    void this.#watch(this.#stop.signal);
  }

  stop(): void {
    this.#stop.abort();
  }

  /** Level with the server: looks, unless it did so a moment ago. */
  onLevel(): void {
    if (this.#stop.signal.aborted || Date.now() - this.#looked < LOOK / 2) return;
    void this.tend().catch(() => undefined);
  }

  async #watch(stop: AbortSignal): Promise<void> {
    const isStopped = () => stop.aborted;
    while (!isStopped()) {
      await pause(LOOK * (0.75 + Math.random() / 2), stop);
      if (!isStopped()) await this.tend().catch(() => undefined);
    }
  }

  /** Takes what a sibling has renewed, renews what is due, publishes the seal that follows. Throws KEYS_OUTDATED, KEYS_WITHHELD. */
  async tend(): Promise<void> {
    this.#looked = Date.now();
    const own = await this.#keys.takeNewest();
    if (own.isRotationDue) await this.rotate();
    else if (own.mustPublish) await this.#lock.run(() => this.#publish());
  }

  /** Runs a change of the own chain alone. */
  alone<T>(task: () => Promise<T>): Promise<T> {
    return this.#lock.run(task);
  }

  /**
   * The next generation for all devices, with a change of the chain where one is given; again after another device was
   * faster, until it is done. Throws a CircleFailure.
   */
  rotate(change?: RotationChange, isDone?: IsDone): Promise<void> {
    return this.#lock.run(() => this.#rotate(change, isDone));
  }

  async #rotate(change: RotationChange | undefined, isDone: IsDone | undefined): Promise<void> {
    let own = await this.#keys.takeNewest();
    const { generation } = own;
    const isThere = isDone ?? ((now: OwnKeys) => now.generation > generation);
    const lacking: Lacking = { boxes: new Set(), isThorough: false, looks: 0, seen: 0 };
    for (let attempt = 0; ; attempt += 1) {
      if (attempt > 0) own = await this.#keys.takeNewest();
      if (await isThere(own)) break;
      try {
        await this.#devices.rotate(await this.#make(change, lacking));
        break;
      } catch (error) {
        if (error instanceof Incomplete) note(lacking, error);
        if ((!LOST.has(codeOf(error)) && !isUncertain(error)) || attempt >= TRIES || this.#stop.signal.aborted) throw error;
        await pause(backoff(attempt, 200, 5_000), this.#stop.signal);
      }
    }
    // What is left to do is done at the next look, too.
    await this.#follow().catch(() => undefined);
  }

  async #follow(): Promise<void> {
    await this.#keys.takeNewest();
    await this.#publish();
  }

  async #make(change: RotationChange | undefined, lacking: Lacking): Promise<RotationBytes> {
    for (let attempt = 0; ; attempt += 1) {
      await this.#lookForGrants(lacking.isThorough);
      try {
        const [seals, required] = await Promise.all([this.#seals(), this.#devices.required()]);
        const { isThorough } = lacking;
        const made = await this.#keeper.makeRotation({ seals, required, wanted: [...lacking.boxes], isThorough, ...(change ? { change } : {}) });
        const named = made.grants?.length ?? 0;
        if (named > lacking.seen) lacking.looks = 0;
        lacking.seen = named;
        return lacking.looks < LOOKS ? made : { ...made, grants: null };
      } catch (error) {
        const code = codeOf(error);
        if (attempt >= 3 || !['WRAPS_NEEDED', 'GRANTS_NEEDED', 'SEAL_OLD'].includes(code)) throw error;
        if (code === 'WRAPS_NEEDED') await this.#keys.showWraps();
        else if (code === 'GRANTS_NEEDED') lacking.isThorough = true;
        else await this.#publish(true);
      }
    }
  }

  /** What was granted goes with the old key: each grant may name epochs that are not known here yet. */
  async #lookForGrants(isThorough: boolean): Promise<void> {
    for (let round = 0; round < ROUNDS; round += 1) {
      const wanted = await this.#keeper.beforeRotation(isThorough);
      if (wanted.length === 0) return;
      for (const { space, node, number } of wanted) {
        await this.#keeper.learnEpoch(space, number, await this.#api.epoch(node, number).catch(() => null));
      }
    }
  }

  async #seals(): Promise<ShownSeal[]> {
    return (await this.#devices.devices()).map(({ id, seal }) => ({ device: id, ...seal }));
  }

  /** The next seal of this device; the old one and the keys before it are then destroyed. */
  async #publish(isWanted = false): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      const next = await this.#keeper.nextSeal(isWanted);
      if (!next) return;
      try {
        await this.#devices.publishSeal(next);
      } catch (error) {
        if (codeOf(error) !== 'GENERATION_CONFLICT') throw error;
        const own = await this.#keys.takeNewest();
        const shown = (await this.#devices.devices()).find(({ id }) => id === own.device);
        // Either a try whose answer was lost had gone through, or a sibling has renewed the key meanwhile.
        if (!shown || !equal(shown.seal.body, next.seal.body)) {
          if (attempt >= TRIES) throw error;
          continue;
        }
      }
      await this.#keeper.sealPublished(next.seal);
      return;
    }
  }
}
