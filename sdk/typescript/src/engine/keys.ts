/** The member's own keys: M of the newest generation, and what earlier ones opened (e2ee.md section 8). */
import type { Keeper, OwnKeys } from '../crypto';
import { CircleFailure, codeOf } from '../errors';
import type { Board } from '../state/board';
import type { LeftOut } from '../store/accounts';
import type { Api } from './api';
import type { DeviceApi } from './deviceApi';
import { learnIdentities } from './identities';

/** Rotations that come between two questions. */
const TRIES = 4;
const LEFT_OUT: ReadonlyMap<string, LeftOut> = new Map([['KEYS_OUTDATED', 'outdated'], ['KEYS_WITHHELD', 'withheld']]);

export class Keys {
  readonly #api: Api;
  readonly #devices: DeviceApi;
  readonly #keeper: Keeper;
  readonly #board: Board;
  readonly #onLeftOut: (why: LeftOut) => Promise<void>;

  constructor(parts: { api: Api; devices: DeviceApi; keeper: Keeper; board: Board; onLeftOut: (why: LeftOut) => Promise<void> }) {
    this.#api = parts.api;
    this.#devices = parts.devices;
    this.#keeper = parts.keeper;
    this.#board = parts.board;
    this.#onLeftOut = parts.onLeftOut;
  }

  /**
   * The own chain as the server has it now, and M of the newest generation from this device's box. Throws KEYS_OUTDATED
   * or KEYS_WITHHELD where there is no box for this device: it must be linked again.
   */
  async takeNewest(): Promise<OwnKeys> {
    for (let attempt = 0; ; attempt += 1) {
      await this.#learnOwn();
      const own = await this.#keeper.ownKeys();
      if (own.newest === own.generation) return own;
      const box = await this.#devices.keyBox();
      // A rotation between the two questions: the chain is asked for again.
      if (box === null || box.generation <= own.newest || attempt >= TRIES) {
        try {
          await this.#keeper.takeKey(box);
        } catch (error) {
          const why = LEFT_OUT.get(codeOf(error));
          if (why) await this.#onLeftOut(why);
          throw error;
        }
      }
    }
  }

  async #learnOwn(): Promise<void> {
    const { me } = this.#board;
    if (!me) throw new CircleFailure('LOCKED', 'Please unlock Circle first.');
    const { changes } = await learnIdentities(this.#api, this.#keeper, [me.id]);
    this.#board.apply(changes);
  }

  /** What rotations carried over: opens what was sealed to earlier keys. */
  async showWraps(): Promise<void> {
    const { me } = this.#board;
    if (!me) throw new CircleFailure('LOCKED', 'Please unlock Circle first.');
    const [keys, archive, wraps] = await Promise.all([this.#devices.memberKeys(me.node), this.#devices.archive(), this.#devices.wraps()]);
    await this.#keeper.learnMemberKeys(me.id, keys);
    await this.#keeper.learnWraps(archive, wraps);
  }

  /** Older keys of members whom a list of recipients names by another generation than the newest. */
  async learnOlder(space: string): Promise<void> {
    for (const member of await this.#keeper.olderKeysNeeded(space)) {
      const { id } = this.#board.person(member);
      if (id !== '') await this.#keeper.learnMemberKeys(member, await this.#devices.memberKeys(id));
    }
  }
}
