/** A server in memory that stores what it is given and checks nothing, so that tests can make it lie. */
import 'fake-indexeddb/auto';
import { fromHex, toHex, type Bytes } from '../../src/bytes';
import { openKeyring, type Keyring, type StoredKeyring } from '../../src/crypto/machine/keyring';
import { LocalKeeper } from '../../src/crypto/machine/local';
import type { EpochBytes, EpochInputBytes, EventBody, Identity, LogEvent, MarkerBytes, MemberLinkBytes, NewConversation, LinkBytes, Snapshot, SpaceChange } from '../../src/crypto';
import { parseEnvelope } from '../../src/crypto/protocol/envelope';
import { parseAnnouncement, parseRecipients } from '../../src/crypto/protocol/epoch';
import { keys, type EpochRecord } from '../../src/crypto/machine/spaceRecord';
import { joinFragment } from '../../src/crypto/protocol/invite';
import { hBody } from '../../src/crypto/protocol/labels';
import { LOG_START, nextHash } from '../../src/crypto/protocol/log';
import { utf8 } from '../../src/crypto/protocol/bytes';
import { passwordRoot, passwordUnlock } from '../../src/crypto/protocol/password';
import { ARGON, gcmOpen } from '../../src/crypto/protocol/primitives';
import { encodeRecord } from '../../src/store/codec';
import { SealedStore } from '../../src/store/sealed';
import type { LifetimeClass } from '../../src/types';

export const PASSWORD = 'a long enough password';
export const PARAMETERS = { salt: new Uint8Array(16), ...ARGON };
let count = 0;

export class Person {
  readonly name: string;
  readonly keeper: LocalKeeper;
  readonly id: string;
  readonly identity: Identity;
  readonly account: { member: string; device: string; wrapped: Bytes; database: string };
  /** What was shown last of each space. */
  readonly shown = new Map<string, { change: SpaceChange; lines: Map<string, string> }>();

  constructor(name: string, keeper: LocalKeeper, identity: Identity, account: Person['account']) {
    this.name = name;
    this.keeper = keeper;
    this.id = account.member;
    this.identity = identity;
    this.account = account;
  }

  static async make(name: string, fragment?: string, inviter: string | null = null): Promise<Person> {
    const keeper = new LocalKeeper();
    count += 1;
    const database = `test-${name}-${count}`;
    const { ticket } = await keeper.stretch(PASSWORD, PARAMETERS);
    const made = await keeper.makeAccount({
      ticket, handle: name, displayName: name, deviceName: 'test', database, inviter,
      fragment: fragment ?? joinFragment({ token: new Uint8Array(16), pin: null }),
    });
    await keeper.keepAccount(made.member, { handle: name, displayName: name });
    const person = { id: made.member, node: `node-${name}`, handle: name, displayName: name, serverRole: 'MEMBER' as const };
    await keeper.rememberMe(person);
    const identity: Identity = { person, links: [made.identity], key: made.memberKey };
    return new Person(name, keeper, identity, { member: made.member, device: made.device, wrapped: made.wrapped, database });
  }

  /** A new process on the same store. */
  async restart(password = PASSWORD): Promise<boolean> {
    await this.keeper.lock();
    const { ticket } = await this.keeper.stretch(password, PARAMETERS);
    return this.keeper.unlock(this.account, ticket);
  }

  /** This person's secret keys, as a test that plays a cheat needs them. */
  async keyring(): Promise<Keyring> {
    return this.#inStore(async (store) => openKeyring((await store.get('records', 'keyring')) as StoredKeyring));
  }

  /** A branch of an epoch as this person holds it. */
  async branch(space: string, epoch: number, b = 0): Promise<Bytes | null> {
    return this.#inStore(async (store) => ((await store.get('records', keys.epoch(space, epoch))) as EpochRecord).branches[b] ?? null);
  }

  /** All that this person's store holds, opened, as one text: byte strings in base64. */
  async everything(): Promise<string> {
    return this.#inStore(async (store) => {
      const all = await Promise.all((['records', 'items', 'log', 'outbox'] as const).map((table) => store.range(table, '', ['\uffff', '\uffff'])));
      return all.flat().map(({ key, value }) => `${JSON.stringify(key)} ${new TextDecoder().decode(encodeRecord(value))}`).join('\n');
    });
  }

  async #inStore<T>(task: (store: SealedStore) => Promise<T>): Promise<T> {
    const root = await passwordRoot(PASSWORD, PARAMETERS);
    const { member, device, wrapped, database } = this.account;
    const unlock = await passwordUnlock(root, fromHex(member), fromHex(device));
    const raw = await gcmOpen(unlock, wrapped.slice(0, 12), utf8(`circle/store-key/v1 password ${member} ${device}`), wrapped.slice(12));
    if (!raw) throw new Error('The password is right.');
    const store = await SealedStore.open(database, await crypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['decrypt', 'encrypt']));
    try {
      return await task(store);
    } finally {
      store.close();
    }
  }

  take(changes: (SpaceChange | null)[]): void {
    for (const change of changes) {
      if (!change) continue;
      const lines = this.shown.get(change.view.space)?.lines ?? new Map<string, string>();
      for (const key of change.gone) lines.delete(key);
      for (const { key, body, seq } of change.items) {
        lines.set(key, `${seq ?? '…'} ${body.kind === 'text' ? body.text : body.kind === 'notice' ? `(${body.notice.what})` : `[${body.reason}]`}`);
      }
      this.shown.set(change.view.space, { change, lines });
    }
  }

  /** The lines of a conversation, in order of their seq. */
  lines(space: string): string[] {
    return [...(this.shown.get(space)?.lines.values() ?? [])].sort((one, other) => Number.parseInt(one, 10) - Number.parseInt(other, 10));
  }

  view(space: string): SpaceChange['view'] {
    const found = this.shown.get(space);
    if (!found) throw new Error(`${this.name} does not know this space.`);
    return found.change.view;
  }

  async send(world: World, space: string, text: string, lifetime?: LifetimeClass): Promise<Bytes> {
    const change = await this.keeper.queueText(space, text, lifetime);
    this.take([change]);
    const key = change.items[0]?.key ?? '';
    const { envelope } = await this.keeper.seal(key, false);
    const { seq, item } = await world.envelope(space, envelope);
    this.take([await this.keeper.sent(key, seq, item)]);
    return envelope;
  }
}

interface StoredEpoch extends EpochInputBytes {
  number: number;
}

export class Space {
  readonly id: string;
  readonly links: LinkBytes[] = [];
  readonly epochs: StoredEpoch[] = [];
  readonly events: LogEvent[] = [];
  readonly grants: { to: string; grant: Bytes; giver: string; generation: number }[] = [];
  state: LogEvent | null = null;
  /** By scope and member, the newest. */
  readonly markers = new Map<string, MarkerBytes>();

  constructor(id: string) {
    this.id = id;
  }

  get head(): { n: number; hash: Bytes } {
    const last = this.events.at(-1);
    return last ? { n: last.seq, hash: last.logHash } : LOG_START;
  }
}

export class World {
  readonly people: Person[] = [];
  readonly spaces = new Map<string, Space>();
  /** When the server says that an epoch (`space:number`) was accepted; else it is always now. */
  readonly accepted = new Map<string, number>();

  async person(name: string, fragment?: string, inviter: string | null = null): Promise<Person> {
    const person = await Person.make(name, fragment, inviter);
    this.people.push(person);
    return person;
  }

  space(id: string): Space {
    const found = this.spaces.get(id);
    if (!found) throw new Error('There is no such space.');
    return found;
  }

  identities(ids: string[]): Identity[] {
    return this.people.filter(({ id }) => ids.includes(id)).map(({ identity }) => identity);
  }

  /** Appends to a space's log as an honest server would. */
  async append(id: string, item: Bytes, body: EventBody): Promise<LogEvent> {
    const space = this.space(id);
    const seq = space.head.n + 1;
    const logHash = await nextHash(space.head.hash, seq, item);
    const event: LogEvent = { space: id, node: `node-${id}`, isAccount: false, seq, item, logHash, acceptedAt: Date.now(), body };
    space.events.push(event);
    return event;
  }

  async create(owner: Person, others: Person[], options: { title?: string; type?: 'GROUP' | 'BROADCAST' | 'DIRECT'; role?: 'ADMIN' | 'WRITER' | 'READER'; policy?: { lifetime: LifetimeClass; shared: boolean } } = {}): Promise<string> {
    await owner.keeper.learnIdentities(others.map(({ identity }) => identity));
    const people = others.map(({ id }) => ({ member: id, role: options.role ?? ('WRITER' as const) }));
    const made: NewConversation = await owner.keeper.makeConversation({ type: options.type ?? 'GROUP', people, title: options.title ?? null, picture: null, ...(options.policy ? { policy: options.policy } : {}) });
    this.spaces.set(made.space, new Space(made.space));
    await this.roster(made.space, made.link);
    await this.epoch(made.space, made.epoch);
    if (made.state) this.space(made.space).state = (await this.envelope(made.space, made.state)).event;
    for (const person of [owner, ...others]) await this.open(person, made.space);
    return made.space;
  }

  async roster(id: string, link: LinkBytes): Promise<LogEvent> {
    this.space(id).links.push(link);
    return this.append(id, await hBody('roster', link.body), { kind: 'roster', ...link });
  }

  async epoch(id: string, made: EpochInputBytes): Promise<LogEvent> {
    const { epoch } = await parseAnnouncement(made.announcement);
    this.space(id).epochs.push({ ...made, number: epoch.n });
    return this.append(id, epoch.hash, { kind: 'epoch', announcement: made.announcement, signature: made.signature });
  }

  async envelope(id: string, envelope: Bytes): Promise<{ seq: number; item: Bytes; event: LogEvent }> {
    const { item } = await parseEnvelope(envelope);
    const event = await this.append(id, item, { kind: 'envelope', envelope });
    return { seq: event.seq, item, event };
  }

  async memberLink(id: string, link: MemberLinkBytes): Promise<LogEvent> {
    return this.append(id, await hBody('member', link.body), { kind: 'member', ...link });
  }

  epochFor(person: Person, id: string, number: number): EpochBytes | null {
    const space = this.space(id);
    const found = space.epochs.find((epoch) => epoch.number === number);
    if (!found) return null;
    const row = parseRecipients(found.recipients).findIndex(({ member }) => toHex(member) === person.id);
    const grants = space.grants.filter(({ to }) => to === person.id).map((one) => ({ ...one, id: toHex(one.grant.slice(-16)) }));
    return { ...found, acceptedAt: this.accepted.get(`${id}:${number}`) ?? Date.now(), seal: row === -1 ? null : (found.seals[row] ?? null), grants };
  }

  snapshot(person: Person, id: string, page = 50): Snapshot {
    const space = this.space(id);
    const newest = space.epochs.at(-1);
    return {
      space: id, node: `node-${id}`, head: space.head.n, headHash: space.head.hash, createdAt: 0, due: false, rosterLinks: [...space.links],
      epoch: newest ? this.epochFor(person, id, newest.number) : null, state: space.state, events: space.events.slice(-page),
      markers: [...space.markers.values()],
    };
  }

  /** Loads a conversation as a client does that does not know it. */
  async open(person: Person, id: string, page = 50, isAfresh = false): Promise<void> {
    const snapshot = this.snapshot(person, id, page);
    await this.satisfy(person, () => person.keeper.needsOf(snapshot));
    person.take([await person.keeper.openSpace(snapshot, snapshot.events[0]?.seq !== 1, isAfresh)]);
  }

  /** Gives a person everything new of a space. */
  async sync(person: Person, id: string, events: LogEvent[] = this.space(id).events.filter(({ seq }) => seq > person.view(id).head)): Promise<void> {
    await this.satisfy(person, () => person.keeper.needs(events));
    person.take(await person.keeper.apply(events, `cursor-${id}-${events.at(-1)?.seq ?? 0}`));
  }

  async older(person: Person, id: string, page: number, events = this.space(id).events): Promise<void> {
    const start = await person.keeper.start(id);
    const found = events.filter(({ seq }) => seq < start).slice(-page);
    await this.satisfy(person, () => person.keeper.needs(found));
    person.take([await person.keeper.applyOlder(id, found, found[0]?.seq !== 1)]);
  }

  /** Changes the roster and makes the next epoch, as the engine does. */
  async change(person: Person, id: string, change: Parameters<LocalKeeper['makeRosterLink']>[1]): Promise<void> {
    if ('member' in change) await person.keeper.learnIdentities(this.identities([change.member]));
    await this.roster(id, await person.keeper.makeRosterLink(id, change));
    await this.sync(person, id);
    await this.renew(person, id);
  }

  async renew(person: Person, id: string): Promise<void> {
    await this.epoch(id, await person.keeper.makeEpoch(id));
    await this.sync(person, id);
  }

  async satisfy(person: Person, ask: () => Promise<{ members: string[]; epochs: { space: string; number: number }[] }>): Promise<void> {
    for (let round = 0; round < 4; round += 1) {
      const { members, epochs } = await ask();
      if (members.length + epochs.length === 0) return;
      person.take(await person.keeper.learnIdentities(this.identities(members)));
      for (const { space, number } of epochs) await person.keeper.learnEpoch(space, number, this.epochFor(person, space, number));
    }
  }
}
