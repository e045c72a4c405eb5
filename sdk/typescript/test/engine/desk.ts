/** One conversation of two devices of Ada's with Bob, and a server that keeps its stream and its markers as the true one does. */
import type { LogEvent, MadeMarker, MarkerBytes, MarkerScope, Tells } from '../../src/crypto';
import type { Pair } from './pair';
import type { Person } from './world';

type Delivery = { event: LogEvent } | { marker: MarkerBytes };

const EVERYTHING: Tells = { delivered: true, read: true };

export class Desk {
  readonly pair: Pair;
  readonly talk: string;
  readonly #stream: Delivery[] = [];
  /** How much of the stream each device has had. */
  readonly #had = new Map<Person, number>();
  #events = 0;
  /** Who wrote what, by its place in the log. */
  readonly messages: { seq: number; sender: string }[] = [];

  private constructor(pair: Pair, talk: string) {
    this.pair = pair;
    this.talk = talk;
  }

  static async make(pair: Pair, options: Parameters<Pair['world']['create']>[2] = {}): Promise<Desk> {
    const talk = await pair.world.create(pair.ada, [pair.bob], options);
    const desk = new Desk(pair, talk);
    await pair.world.open(pair.second, talk);
    desk.#events = pair.world.space(talk).events.length;
    for (const person of [pair.ada, pair.second, pair.bob]) desk.#had.set(person, 0);
    return desk;
  }

  // ---- the server

  get markers(): Map<string, MarkerBytes> {
    return this.pair.world.space(this.talk).markers;
  }

  current(person: Person, scope: MarkerScope): MarkerBytes | undefined {
    return this.markers.get(`${scope}:${person.id}`);
  }

  /** Null where another version is stored. */
  set(person: Person, { scope, version, envelope }: MadeMarker): MarkerBytes | null {
    if ((this.current(person, scope)?.version ?? 0) !== version) return null;
    const marker: MarkerBytes = { space: this.talk, node: `node-${this.talk}`, member: person.id, scope, version: version + 1, envelope, acceptedAt: Date.now() };
    this.markers.set(`${scope}:${person.id}`, marker);
    this.#stream.push({ marker });
    return marker;
  }

  shownTo(person: Person): MarkerBytes[] {
    return [...this.markers.values()].filter(({ scope, member }) => scope === 'RECEIPT' || member === person.id);
  }

  /** What the log has gained since is in the stream. */
  #follow(): void {
    const { events } = this.pair.world.space(this.talk);
    for (const event of events.slice(this.#events)) this.#stream.push({ event });
    this.#events = events.length;
  }

  // ---- the devices

  async write(person: Person, text: string, lifetime?: Parameters<Person['send']>[3]): Promise<void> {
    await person.send(this.pair.world, this.talk, text, lifetime);
    this.messages.push({ seq: this.pair.world.space(this.talk).head.n, sender: person.id });
    this.#follow();
  }

  left(person: Person): number {
    return this.#stream.length - (this.#had.get(person) ?? 0);
  }

  /** The next so many deliveries, one after the other; a marker of which a newer one is stored is never delivered. */
  async deliver(person: Person, count = Infinity): Promise<void> {
    for (let left = Math.min(count, this.left(person)); left > 0; left -= 1) {
      const at = this.#had.get(person) ?? 0;
      const next = this.#stream[at];
      this.#had.set(person, at + 1);
      if (!next) return;
      if ('event' in next) await this.pair.world.sync(person, this.talk, [next.event]);
      else if (this.shownTo(person).includes(next.marker)) await this.hear(person, [next.marker], `cursor-${at + 1}`);
    }
  }

  async hear(person: Person, markers: MarkerBytes[], cursor: string | null, isAfresh = false): Promise<void> {
    await this.pair.world.satisfy(person, () => person.keeper.needsOfMarkers(markers));
    person.take(await person.keeper.applyMarkers(markers, cursor, isAfresh));
  }

  async read(person: Person): Promise<void> {
    person.take([await person.keeper.markRead(this.talk)]);
  }

  /** One try, as the engine does it. `isLost`: the answer does not arrive. */
  async tell(person: Person, scope: MarkerScope, isLost = false, tells = EVERYTHING): Promise<'done' | 'nothing' | 'conflict' | 'lost'> {
    const made = await person.keeper.makeMarker(this.talk, scope, tells);
    if (!made) return 'nothing';
    const stored = this.set(person, made);
    if (isLost) return 'lost';
    const current = this.current(person, scope);
    if (!stored && current) {
      await this.hear(person, [current], null, true);
      return 'conflict';
    }
    person.take([await person.keeper.markerTold(this.talk, made, made.version + 1)]);
    return 'done';
  }

  /** A new process on the same store, without stretching the password again. */
  async restart(person: Person): Promise<void> {
    const session = await person.keeper.startBrowserSession();
    await person.keeper.lock();
    await person.keeper.resumeBrowserSession(person.account, session);
  }

  /** The server cannot go on from where the device was: all is loaded as it is now. */
  async resync(person: Person): Promise<void> {
    await person.keeper.keepCursor(null);
    await this.pair.world.open(person, this.talk, 5);
    this.#had.set(person, this.#stream.length);
  }

  /** What the definition says of the whole log that the device has heard of. */
  defined(person: Person): number {
    const { read, head } = person.view(this.talk);
    return this.messages.filter(({ seq, sender }) => sender !== person.id && seq > read && seq <= head).length;
  }

  /** The same, counted: messages of others above the mark among those that the device holds. */
  async unread(person: Person): Promise<number> {
    const { read } = person.view(this.talk);
    const items = await person.keeper.items(this.talk, null, 10_000);
    return items.filter(({ seq, sender, body }) => body.kind === 'text' && sender !== person.id && (seq ?? 0) > read).length;
  }
}

