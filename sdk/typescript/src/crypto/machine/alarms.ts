/** What to do when the server contradicts what this device has seen (e2ee.md section 12; docs/decisions/0082). */
import { ALARMS } from './reasons';
import type { Context } from './context';
import type { Rooms } from './rooms';
import type { SpaceChange } from './wire';

export class Alarms {
  readonly #context: Context;
  readonly #rooms: Rooms;

  constructor(context: Context, rooms: Rooms) {
    this.#context = context;
    this.#rooms = rooms;
  }

  /** `present` is a complete list of the server: what is missing in it must have been left by a signed removal. */
  async checkListed(present: readonly string[]): Promise<SpaceChange[]> {
    const listed = new Set(present);
    const changes: SpaceChange[] = [];
    for (const { space, seats, alarm } of await this.#rooms.records()) {
      if (listed.has(space) || alarm !== null || !seats.some(({ member }) => member === this.#context.keyring.member)) continue;
      const open = await this.#rooms.get(space);
      changes.push(await this.#rooms.change([space], () => {
        open.record.alarm = ALARMS.omitted;
        return Promise.resolve(this.#rooms.shown(open));
      }));
    }
    return changes;
  }
}
