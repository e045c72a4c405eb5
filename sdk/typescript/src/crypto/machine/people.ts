/** What this device knows of other members: chains verified from link 0, newest keys, and pins that never go back. */
import { CircleFailure } from '../../errors';
import { equal, fromHex, toHex, type Bytes } from '../protocol/bytes';
import { checkAccountPin, type MemberPin } from '../protocol/account';
import type { MemberKeys } from '../protocol/epochKeys';
import { checkMemberPin, followMember, verifyMemberChain, type MemberChain, type SignedLink } from '../protocol/member';
import { verifyMemberKey, type MemberKey } from '../protocol/memberKey';
import type { Chains } from '../protocol/rosterState';
import type { Head, Signed } from '../protocol/signer';
import type { RecordStore, Write } from '../../store/sealed';
import type { Identity, LinkBytes, PersonRecord } from './wire';

interface StoredPerson {
  person: PersonRecord | null;
  links: SignedLink[];
  key: Signed | null;
  pin: Head | null;
  /** The ID that an invite proved, or null where the first one seen is trusted. */
  proven: Bytes | null;
  /** #MK by generation, of every generation seen, ascending. */
  keyHashes: { g: number; hash: Bytes }[];
  /** The signed keys of a few generations before the newest, ascending. */
  older?: LinkBytes[];
  /** Set, in plain words, when the server contradicted what was seen before; nothing is sealed to them then. */
  alarm: string | null;
  /** The ID at the head of the chain. */
  present: Bytes | null;
  /** The ID that the person accepted, or the first one seen. */
  trusted: Bytes | null;
  /** Another ID was trusted before. */
  hadOther: boolean;
  /** What another device of this member has seen: the chain and key are never below it. */
  bound: MemberPin | null;
}

/** What learning a member has brought. */
export interface Learned {
  writes: Write[];
  /** The server contradicted what was seen before; the old state stays. */
  isAlarm: boolean;
  /** Number of the link by which an ID that was known before has become another; null where it has not. */
  reset: number | null;
}

export interface Known {
  chain: MemberChain;
  key: MemberKey;
  /** Of earlier generations, as far as they were seen or asked for. */
  older: readonly MemberKey[];
}

/** Earlier keys that are kept of a member: what a list of recipients may still name. */
const OLDER = 8;

const NOBODY: StoredPerson = { person: null, links: [], key: null, pin: null, proven: null, keyHashes: [], alarm: null, present: null, trusted: null, hadOther: false, bound: null };
const from = 'person:';
const to = 'person;';

const OWN =
  'The server shows other keys or devices for your own account than it did before. Do not trust what it shows of your account. If it was restored from a backup: ' +
  'sign in on another device or browser with your recovery key, and remove this device there.';

export class People {
  readonly #store: RecordStore;
  readonly #me: string;
  readonly #stored = new Map<string, StoredPerson>();
  readonly #known = new Map<string, Promise<Known>>();

  /** `me`: whose device this is. */
  constructor(store: RecordStore, me: string) {
    this.#store = store;
    this.#me = me;
  }

  async load(): Promise<void> {
    for (const { key, value } of await this.#store.range('records', from, to)) {
      if (typeof key === 'string') this.#stored.set(key.slice(from.length), { ...NOBODY, ...(value as StoredPerson) });
    }
  }

  /** What was changed and not stored is forgotten. */
  async reload(): Promise<void> {
    this.#stored.clear();
    this.#known.clear();
    await this.load();
  }

  names(): PersonRecord[] {
    return [...this.#stored.values()].flatMap(({ person }) => person ?? []);
  }

  /** Names as the server tells them; they are shown, never trusted. */
  remember(people: PersonRecord[]): Write[] {
    return people.map((person) => this.#put(person.id, { ...this.#of(person.id), person }));
  }

  /** Pins the ID that an invite proved. Throws FORK when a different one was proven before. */
  prove(member: string, identity: Bytes): Write {
    const before = this.#of(member);
    if (before.proven && !equal(before.proven, identity)) throw this.#contradicts(member);
    return this.#put(member, { ...before, proven: identity });
  }

  /** Bars a member whose keys do not fit the invite that was sent: nothing is sealed to them. */
  bar(member: string): Write {
    const reason = `The invite that you sent was answered with other keys than those of ${this.name(member)}. Do not trust them until you have spoken to them.`;
    const before = this.#of(member);
    return this.#put(member, { ...before, alarm: before.alarm ?? reason });
  }

  /**
   * Verifies a member's chain from link 0 and newest key, and compares both with what was seen before. When they do
   * not fit, the old state stays and the alarm is raised: `isAlarm` says so. Not yet `isLast`, it is not raised.
   */
  async learn(identity: Identity, isLast = true): Promise<Learned> {
    const { person } = identity;
    const before = this.#of(person.id);
    try {
      const write = await this.#verify(identity, before);
      return { writes: [write], isAlarm: false, reset: this.#resetSince(before, (write.value as StoredPerson).present, (await this.get(person.id)).chain) };
    } catch (error) {
      if (!isLast) return { writes: [], isAlarm: true, reset: null };
      const reason = error instanceof CircleFailure ? error.message : this.#contradicts(person.id, person.displayName).message;
      return { writes: [this.#put(person.id, { ...before, person: before.person ?? person, alarm: reason })], isAlarm: true, reset: null };
    }
  }

  async #verify({ person, links, key }: Identity, before: StoredPerson): Promise<Write> {
    const chain = await verifyMemberChain(fromHex(person.id), links);
    if (before.pin) checkMemberPin(chain, before.pin);
    const { proven } = before;
    if (proven && !chain.identities.some(({ hash }) => equal(hash, proven))) throw this.#contradicts(person.id, person.displayName);
    const memberKey = await verifyMemberKey(chain, key);
    if (before.bound) checkAccountPin(before.bound, chain, memberKey.generation);
    const newest = before.keyHashes.at(-1);
    const seen = before.keyHashes.find(({ g }) => g === memberKey.generation);
    if ((newest && memberKey.generation < newest.g) || (seen && !equal(seen.hash, memberKey.mkHash))) throw this.#contradicts(person.id, person.displayName);
    const keyHashes = seen ? before.keyHashes : [...before.keyHashes, { g: memberKey.generation, hash: memberKey.mkHash }];
    this.#known.set(person.id, Promise.resolve({ chain, key: memberKey, older: await this.#olderKeys(chain, olderOf(before, key)) }));
    // An alarm that was raised stays: what contradicted once is not made good by fitting later.
    const pin = { n: chain.n, hash: chain.hash };
    return this.#put(person.id, { ...before, ...identityOf(before, chain), person, links: [...links], key, pin, keyHashes, older: olderOf(before, key) });
  }

  /** Takes a chain's next link as a space's log tells it; the newest key may then be of before it. */
  async follow(member: string, link: SignedLink): Promise<Write | null> {
    const known = await this.find(member);
    const before = this.#of(member);
    if (!known || !before.key) return null;
    const chain = await followMember(known.chain, link);
    this.#known.set(member, Promise.resolve({ ...known, chain }));
    return this.#put(member, { ...before, ...identityOf(before, chain), links: [...before.links, link], pin: { n: chain.n, hash: chain.hash } });
  }

  /** Chain and key of a member, verified; null when they were never learned. */
  async find(member: string): Promise<Known | null> {
    const ready = this.#known.get(member);
    if (ready) return ready;
    const { links, key, older } = this.#of(member);
    if (!key) return null;
    const verified = verifyMemberChain(fromHex(member), links).then(async (chain) => ({
      chain, key: await verifyMemberKey(chain, key), older: await this.#olderKeys(chain, older ?? []),
    }));
    this.#known.set(member, verified);
    return verified;
  }

  /** As find, but throws UNKNOWN_MEMBER. */
  async get(member: string): Promise<Known> {
    const known = await this.find(member);
    if (!known) throw new CircleFailure('UNKNOWN_MEMBER', `This device does not know the keys of ${this.name(member)} yet.`);
    return known;
  }

  /** Chains and keys of these members, as far as they are known, for the protocol's functions. */
  async lookup(members: Iterable<string>): Promise<{ chains: Chains; keys: MemberKeys }> {
    const found = new Map<string, Known>();
    for (const member of new Set(members)) {
      const known = await this.find(member);
      if (known) found.set(member, known);
    }
    return {
      chains: (member) => found.get(toHex(member))?.chain,
      keys: (member, generation) => {
        const known = found.get(toHex(member));
        if (generation === null || known?.key.generation === generation) return known?.key;
        return known?.older.find((key) => key.generation === generation);
      },
    };
  }

  // ---- identities

  /** The ID at the head of the known chain; null for a stranger. */
  present(member: string): Bytes | null {
    return this.#of(member).present;
  }

  /** The member began anew, and nobody here has accepted the new identity yet. */
  isChanged(member: string): boolean {
    const { present, trusted } = this.#of(member);
    return present !== null && trusted !== null && !equal(present, trusted);
  }

  /** The member was known by another identity than the present one. */
  hadOther(member: string): boolean {
    return this.isChanged(member) || this.#of(member).hadOther;
  }

  /** The person was shown the present identity and goes on with it. */
  accept(member: string): Write {
    const before = this.#of(member);
    return this.#put(member, { ...before, trusted: before.present, hadOther: this.hadOther(member) });
  }

  /** What this device would pin of every member whose state it believes. */
  pins(): MemberPin[] {
    return [...this.#stored].flatMap(([member, { present, pin, keyHashes, alarm }]) => {
      const generation = newestOf(keyHashes);
      if (!present || !pin || generation === 0 || alarm !== null || this.isChanged(member)) return [];
      return [{ member: fromHex(member), identity: present, chain: pin, generation }];
    });
  }

  /** Takes what another device has pinned. A contradiction of what is known raises the member's alarm. */
  async bind(bound: MemberPin): Promise<{ write: Write; isAlarm: boolean }> {
    const member = toHex(bound.member);
    const before = this.#of(member);
    const known = await this.find(member);
    const isOther = before.trusted !== null && !equal(before.trusted, bound.identity);
    // A pin is written for an accepted identity alone: what one device accepted, the member has accepted.
    const taken: StoredPerson = { ...before, bound, trusted: bound.identity, hadOther: before.hadOther || isOther };
    const here = known?.chain.hashes[bound.chain.n];
    const isAlarm = here !== undefined && !equal(here, bound.chain.hash) && before.alarm === null;
    return { write: this.#put(member, isAlarm ? { ...taken, alarm: this.#contradicts(member).message } : taken), isAlarm };
  }

  /** Members of whom another device has seen more than this one. */
  behind(): string[] {
    return [...this.#stored].flatMap(([member, { bound, pin, keyHashes, alarm }]) => {
      if (!bound || alarm !== null) return [];
      return bound.chain.n > (pin?.n ?? -1) || bound.generation > newestOf(keyHashes) ? [member] : [];
    });
  }

  /** The person goes on with what the server shows now of a member: earlier pins give way. Throws a ProtocolError. */
  async restart(identity: Identity): Promise<Write> {
    const { id } = identity.person;
    const before = this.#of(id);
    this.#known.delete(id);
    return this.#verify(identity, { ...before, pin: null, keyHashes: [], proven: null, bound: null, alarm: null });
  }

  #resetSince(before: StoredPerson, present: Bytes | null, chain: MemberChain): number | null {
    const known = before.present;
    return known && present && !equal(known, present) ? (chain.identities.at(-1)?.n ?? null) : null;
  }

  // ---- earlier generations

  /** #MK of a generation, if it was ever seen. */
  keyHash(member: string, generation: number): Bytes | undefined {
    return this.#of(member).keyHashes.find(({ g }) => g === generation)?.hash;
  }

  /**
   * Takes generations of a member's key, each verified against the chain. One that does not verify, or is another than
   * was seen, is left out.
   */
  async learnKeys(member: string, keys: readonly LinkBytes[]): Promise<Write | null> {
    const known = await this.find(member);
    if (!known) return null;
    const before = this.#of(member);
    const hashes = new Map(before.keyHashes.map(({ g, hash }) => [g, hash]));
    const older = new Map(known.older.map((key, index) => [key.generation, before.older?.[index]]));
    for (const { body, signature } of keys) {
      const key = await verifyMemberKey(known.chain, { body, signature }).catch(() => null);
      const seen = key ? hashes.get(key.generation) : undefined;
      if (!key || key.generation >= known.key.generation || (seen && !equal(seen, key.mkHash))) continue;
      hashes.set(key.generation, key.mkHash);
      older.set(key.generation, { body, signature });
    }
    const keyHashes = [...hashes].map(([g, hash]) => ({ g, hash })).sort((one, other) => one.g - other.g);
    const kept = [...older].sort(([one], [other]) => one - other).flatMap(([, key]) => key ?? []).slice(-OLDER);
    this.#known.set(member, Promise.resolve({ ...known, older: await this.#olderKeys(known.chain, kept) }));
    return this.#put(member, { ...before, keyHashes, older: kept });
  }

  /** Those that verify still: they did when they were kept. */
  async #olderKeys(chain: MemberChain, keys: readonly LinkBytes[]): Promise<MemberKey[]> {
    const verified = await Promise.all(keys.map((key) => verifyMemberKey(chain, key).catch(() => null)));
    return verified.filter((key) => key !== null);
  }

  alarmOf(member: string): string | null {
    return this.#of(member).alarm;
  }

  isKnown(member: string): boolean {
    return this.#of(member).key !== null;
  }

  /** As it is shown; never trusted. */
  name(member: string): string {
    return this.#of(member).person?.displayName ?? 'this person';
  }

  /** What the server shows is not what was seen before: of somebody else, or of this account itself. */
  #contradicts(member: string, name = this.name(member)): CircleFailure {
    if (member === this.#me) return new CircleFailure('FORK', OWN);
    return new CircleFailure('FORK', `The server shows other keys for ${name} than it did before. Do not trust it until you have spoken to them.`);
  }

  #of(member: string): StoredPerson {
    return this.#stored.get(member) ?? NOBODY;
  }

  #put(member: string, value: StoredPerson): Write {
    this.#stored.set(member, value);
    return { table: 'records', key: `${from}${member}`, value };
  }
}

/** Whose ID is there now, and whether it is the one that was trusted. */
function identityOf(before: StoredPerson, chain: MemberChain): Pick<StoredPerson, 'present' | 'trusted'> {
  return { present: chain.identity, trusted: before.trusted ?? before.present ?? chain.identity };
}

function newestOf(keyHashes: StoredPerson['keyHashes']): number {
  return Math.max(0, ...keyHashes.map(({ g }) => g));
}

/** The earlier keys to keep once this one is the newest. */
function olderOf({ key: before, older = [] }: StoredPerson, key: Signed): LinkBytes[] {
  return before === null || equal(before.body, key.body) ? older : [...older, before].slice(-OLDER);
}
