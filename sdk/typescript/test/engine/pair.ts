import { DeviceWorld } from './deviceWorld';
import { Space, type Person } from './world';

/** A member's two devices, the account's log that both follow, and somebody else. */
export class Pair {
  readonly world = new DeviceWorld();
  ada!: Person;
  second!: Person;
  bob!: Person;
  talk = '';
  id = '';

  static async make(): Promise<Pair> {
    const pair = new Pair();
    const { world } = pair;
    ({ device: pair.ada } = await world.signUp('ada'));
    ({ device: pair.bob } = await world.signUp('bob'));
    pair.talk = await world.create(pair.ada, [pair.bob], { title: 'Tea' });
    pair.second = await world.link(pair.ada);
    const [first] = world.account(pair.ada).log;
    if (!first || first.body.kind !== 'roster') throw new Error('An account begins with its roster.');
    pair.id = first.space;
    const space = new Space(pair.id);
    space.links.push(first.body);
    space.events.push(first);
    world.spaces.set(pair.id, space);
    for (const device of [pair.ada, pair.second]) await pair.read(device);
    await pair.renew(pair.ada);
    return pair;
  }

  get log() {
    const { events } = this.world.space(this.id);
    for (const event of events) event.isAccount = true;
    return events;
  }

  /** What a device has not seen of the account's log. */
  async read(device: Person): Promise<void> {
    const head = await device.keeper.accountHead();
    const events = this.log.filter(({ seq }) => seq > head);
    await this.world.satisfy(device, () => device.keeper.needs(events));
    device.take(await device.keeper.apply(events, null));
  }

  async renew(device: Person): Promise<void> {
    await this.world.epoch(this.id, await device.keeper.makeEpoch(this.id));
    for (const one of [this.ada, this.second]) await this.read(one);
  }

  /** Sends what waits, and lets both devices read it. */
  async tell(device: Person, readers = [this.ada, this.second]): Promise<number> {
    const waiting = (await device.keeper.pending()).filter(({ space }) => space === this.id);
    for (const { key } of waiting) {
      const { envelope } = await device.keeper.seal(key, false);
      const { seq, item } = await this.world.envelope(this.id, envelope);
      await device.keeper.sent(key, seq, item);
      for (const one of readers) await this.read(one);
    }
    return waiting.length;
  }

  async verified(device: Person): Promise<string[]> {
    return (await device.keeper.account()).verified;
  }
}
