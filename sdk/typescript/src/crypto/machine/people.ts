/** What this device knows of other members: chains verified from link 0, newest keys, and pins that never go back. */
import { CircleFailure } from '../../errors';
import { equal, fromHex, toHex, type Bytes } from '../protocol/bytes';
import type { MemberKeys } from '../protocol/epochKeys';
import { checkMemberPin, followMember, verifyMemberChain, type MemberChain, type SignedLink } from '../protocol/member';
import { verifyMemberKey, type MemberKey } from '../protocol/memberKey';
import type { Chains } from '../protocol/rosterState';
import type { Head, Signed } from '../protocol/signer';
import type { RecordStore, Write } from '../../store/sealed';
import type { Identity, PersonRecord } from './wire';

interface StoredPerson {
  person: PersonRecord | null;
  links: SignedLink[];
  key: Signed | null;
  pin: Head | null;
  /** The ID that an invite proved, or null where the first one seen is trusted. */
  proven: Bytes | null;
  /** #MK by generation, of every generation seen. */
  keyHashes: { g: number; hash: Bytes }[];
  /** Set, in plain words, when the server contradicted what was seen before; nothing is sealed to them then. */
  alarm: string | null;
}

export interface Known {
  chain: MemberChain;
  key: MemberKey;
}

const NOBODY: StoredPerson = { person: null, links: [], key: null, pin: null, proven: null, keyHashes: [], alarm: null };
const from = 'person:';
const to = 'person;';

function contradicts(name: string): CircleFailure {
  return new CircleFailure('FORK', `The server shows other keys for ${name} than it did before. Do not trust it until you have spoken to them.`);
}

export class People {
  readonly #store: RecordStore;
  readonly #stored = new Map<string, StoredPerson>();
  readonly #known = new Map<string, Promise<Known>>();

  constructor(store: RecordStore) {
    this.#store = store;
  }

  async load(): Promise<void> {
    for (const { key, value } of await this.#store.range('records', from, to)) {
      if (typeof key === 'string') this.#stored.set(key.slice(from.length), value as StoredPerson);
    }
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
    if (before.proven && !equal(before.proven, identity)) throw contradicts(this.#name(member));
    return this.#put(member, { ...before, proven: identity });
  }

  /** Bars a member whose keys do not fit the invite that was sent: nothing is sealed to them. */
  bar(member: string): Write {
    const reason = `The invite that you sent was answered with other keys than those of ${this.#name(member)}. Do not trust them until you have spoken to them.`;
    const before = this.#of(member);
    return this.#put(member, { ...before, alarm: before.alarm ?? reason });
  }

  /**
   * Verifies a member's chain from link 0 and newest key, and compares both with what was seen before. When they do
   * not fit, the old state stays and the alarm is raised: `isAlarm` says so.
   */
  async learn(identity: Identity): Promise<{ write: Write; isAlarm: boolean }> {
    const { person } = identity;
    const before = this.#of(person.id);
    try {
      return { write: await this.#verify(identity, before), isAlarm: false };
    } catch (error) {
      const reason = error instanceof CircleFailure ? error.message : contradicts(person.displayName).message;
      return { write: this.#put(person.id, { ...before, person: before.person ?? person, alarm: reason }), isAlarm: true };
    }
  }

  async #verify({ person, links, key }: Identity, before: StoredPerson): Promise<Write> {
    const chain = await verifyMemberChain(fromHex(person.id), links);
    if (before.pin) checkMemberPin(chain, before.pin);
    const { proven } = before;
    if (proven && !chain.identities.some(({ hash }) => equal(hash, proven))) throw contradicts(person.displayName);
    const memberKey = await verifyMemberKey(chain, key);
    const newest = before.keyHashes.at(-1);
    const seen = before.keyHashes.find(({ g }) => g === memberKey.generation);
    if ((newest && memberKey.generation < newest.g) || (seen && !equal(seen.hash, memberKey.mkHash))) throw contradicts(person.displayName);
    const keyHashes = seen ? before.keyHashes : [...before.keyHashes, { g: memberKey.generation, hash: memberKey.mkHash }];
    this.#known.set(person.id, Promise.resolve({ chain, key: memberKey }));
    // An alarm that was raised stays: what contradicted once is not made good by fitting later.
    return this.#put(person.id, { person, links: [...links], key, pin: { n: chain.n, hash: chain.hash }, proven, keyHashes, alarm: before.alarm });
  }

  /** Takes a chain's next link as a space's log tells it; the newest key may then be of before it. */
  async follow(member: string, link: SignedLink): Promise<Write | null> {
    const known = await this.find(member);
    const before = this.#of(member);
    if (!known || !before.key) return null;
    const chain = await followMember(known.chain, link);
    this.#known.set(member, Promise.resolve({ chain, key: known.key }));
    return this.#put(member, { ...before, links: [...before.links, link], pin: { n: chain.n, hash: chain.hash } });
  }

  /** Chain and key of a member, verified; null when they were never learned. */
  async find(member: string): Promise<Known | null> {
    const ready = this.#known.get(member);
    if (ready) return ready;
    const { links, key } = this.#of(member);
    if (!key) return null;
    const verified = verifyMemberChain(fromHex(member), links).then(async (chain) => ({ chain, key: await verifyMemberKey(chain, key) }));
    this.#known.set(member, verified);
    return verified;
  }

  /** As find, but throws UNKNOWN_MEMBER. */
  async get(member: string): Promise<Known> {
    const known = await this.find(member);
    if (!known) throw new CircleFailure('UNKNOWN_MEMBER', `This device does not know the keys of ${this.#name(member)} yet.`);
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
        const key = found.get(toHex(member))?.key;
        return generation === null || key?.generation === generation ? key : undefined;
      },
    };
  }

  alarmOf(member: string): string | null {
    return this.#of(member).alarm;
  }

  isKnown(member: string): boolean {
    return this.#of(member).key !== null;
  }

  #name(member: string): string {
    return this.#of(member).person?.displayName ?? 'this person';
  }

  #of(member: string): StoredPerson {
    return this.#stored.get(member) ?? NOBODY;
  }

  #put(member: string, value: StoredPerson): Write {
    this.#stored.set(member, value);
    return { table: 'records', key: `${from}${member}`, value };
  }
}

