/** One conversation as this device knows it: roster states, epochs, its stretch of the log, and how it is shown. */
import { equal, fromHex, toHex, type Bytes } from '../protocol/bytes';
import type { Roster } from '../protocol/rosterState';
import { verifyRoster } from '../protocol/rosterState';
import type { Head, Signed } from '../protocol/signer';
import type { RecordStore } from '../../store/sealed';
import type { Draft } from './draft';
import { roleName, typeName } from './names';
import type { People } from './people';
import { membersOfLinks } from './claims';
import { keys, type EpochRecord, type SpaceRecord } from './spaceRecord';
import { withinTime } from './expiry';
import { historyOf, lifetimeOf } from './policy';
import { isMoreUnread, noPositions, recount } from './positions';
import type { LifetimeClass } from '../../types';
import type { SpaceView } from './wire';


export class Space {
  readonly id: string;
  readonly bytes: Bytes;
  record: SpaceRecord;
  /** The roster after each link; empty only where the chain could not be verified (there is an alarm then). */
  states: Roster[];
  readonly #store: RecordStore;
  /** Hex id of this device's member. */
  readonly me: string;
  /** Null: not kept any more, although the store still has it until the change is written. */
  readonly #epochs = new Map<number, EpochRecord | null>();

  constructor(store: RecordStore, record: SpaceRecord, states: Roster[], me: string) {
    this.id = record.space;
    this.bytes = fromHex(record.space);
    this.record = record;
    this.states = states;
    this.#store = store;
    this.me = me;
  }

  static async load(store: RecordStore, people: People, space: string, me: string): Promise<Space | null> {
    const record = (await store.get('records', keys.space(space))) as SpaceRecord | undefined;
    if (!record) return null;
    const links = (await store.range('records', ...keys.links(space))).map(({ value }) => value as Signed);
    const { chains } = await people.lookup(membersOfLinks(links));
    const states = links.length === 0 ? [] : [...(await verifyRoster(fromHex(space), links, chains))];
    if (!record.positions && !record.isAccount) await recount(store, record, me);
    return new Space(store, record, states, me);
  }

  get roster(): Roster | null {
    return this.states.at(-1) ?? null;
  }

  /** Puts the record among what is written. */
  save(draft: Draft): void {
    const { roster } = this;
    if (roster) {
      this.record.type = typeName(roster.type);
      this.record.rosterHead = { n: roster.n, hash: roster.hash };
      this.record.lifetime = lifetimeOf(roster.policy);
      this.record.shared = roster.policy.shared;
      this.record.seats = [...roster.seats.values()].map(({ member, role, identity }) => ({ member: toHex(member), role: roleName(role), identity }));
    }
    draft.put('records', keys.space(this.id), this.record);
  }

  async epoch(n: number): Promise<EpochRecord | null> {
    const known = this.#epochs.get(n);
    if (known !== undefined) return known;
    const stored = (await this.#store.get('records', keys.epoch(this.id, n))) as EpochRecord | undefined;
    if (stored) this.#epochs.set(n, stored);
    return stored ?? null;
  }

  /** Without the keys whose time is over, nor those of the epoch before it that this one has closed. */
  async keepEpoch(draft: Draft, epoch: EpochRecord): Promise<void> {
    for (const kept of await withinTime(this, draft, epoch, Date.now())) {
      this.#epochs.set(kept.n, kept);
      draft.put('records', keys.epoch(this.id, kept.n), kept);
    }
  }

  /** Whether a key of any class is there. */
  async isOpen(n: number): Promise<boolean> {
    return (await this.epoch(n))?.branches.some((branch) => branch !== null) ?? false;
  }

  /** What lay under epochs that have been opened since was read again: they are lacking no longer. */
  async settleKeyless(): Promise<void> {
    const opened = await Promise.all(this.record.keyless.map((n) => this.isOpen(n)));
    this.record.keyless = this.record.keyless.filter((_, index) => opened[index] !== true);
  }

  dropEpoch(draft: Draft, n: number): void {
    this.#epochs.set(n, null);
    draft.put('records', keys.epoch(this.id, n), undefined);
  }

  /** Numbers of the epochs that were dropped since this was loaded. */
  get dropped(): number[] {
    return [...this.#epochs].flatMap(([n, epoch]) => (epoch === null ? [n] : []));
  }

  async current(): Promise<EpochRecord | null> {
    return this.record.current ? this.epoch(this.record.current.n) : null;
  }

  /** The seq at which an epoch was announced, where that lies in the known stretch. */
  epochSeq(n: number): number | undefined {
    return this.record.epochSeqs.find(([number]) => number === n)?.[1];
  }

  /** Why an envelope under epoch e at this place comes too late, or null when it does not. */
  endedBefore(e: number, seq: number): boolean {
    const announced = this.epochSeq(e) ?? -1;
    const { marks, epochSeqs } = this.record;
    return marks.some((mark) => mark.seq < seq && mark.seq > announced) || epochSeqs.some(([n, at]) => n > e && at < seq);
  }

  /** Whether the log holds something after the newest epoch that makes the next one due. */
  isEnded(): boolean {
    const { current, head } = this.record;
    return current === null || this.endedBefore(current.n, head.n + 1);
  }

  /** Number of a member's newest link that entered this log before this place. */
  linkedBefore(member: string, seq: number): number {
    return Math.max(0, ...this.record.marks.flatMap((mark) => (mark.member === member && mark.seq < seq ? (mark.n ?? 0) : [])));
  }

  addMark(seq: number, member: string | null = null, n: number | null = null): void {
    if (!this.record.marks.some((mark) => mark.seq === seq)) this.record.marks.push({ seq, member, n });
  }

  addEpochSeq(n: number, seq: number): void {
    if (this.epochSeq(n) === undefined) this.record.epochSeqs.push([n, seq]);
  }

  /** True when the member has a seat with this ID. */
  seats(roster: Roster, member: string, identity: Bytes): boolean {
    const seat = roster.seats.get(member);
    return seat !== undefined && equal(seat.identity, identity);
  }

  get policyClass(): LifetimeClass {
    return this.roster ? lifetimeOf(this.roster.policy) : 0;
  }

  get head(): Head {
    return this.record.head;
  }
}

/** How a conversation is shown, from its record alone. */
export function viewOf(record: SpaceRecord, me: string, people: People): SpaceView {
  const seat = record.seats.find(({ member }) => member === me);
  return {
    space: record.space,
    node: record.node,
    type: record.type,
    title: record.title,
    picture: record.picture,
    isAccount: record.isAccount === true,
    roster: record.seats.map(({ member, role, identity }) => ({ member, role, changed: isChanged(identity, people.present(member)) })),
    role: seat && !record.out ? seat.role : null,
    head: record.head.n,
    oldest: record.oldest,
    hasOlder: record.hasOlder,
    lastActivity: record.lastActivity,
    ...readingOf(record, me),
    alarm: alarmOf(record, people),
    due: record.due,
    epoch: record.current?.n ?? 0,
    epochAt: record.epochAt,
    lifetime: record.lifetime,
    history: historyOf(record),
    owes: [...new Set(record.owed.map(({ member }) => member))],
    answers: [...new Set(record.owed.flatMap(({ member, now }) => (now ? [member] : [])))],
    answersLater: record.owed.flatMap(({ member, at }) => (at === undefined ? [] : [{ member, at }])),
    complains: record.out || record.lacking.length === 0 ? null : Math.min(...record.lacking.map(({ next }) => next)),
    keyless: record.out ? 0 : record.keyless.length,
    expires: record.expires,
    renewsTitle: seat?.role === 'OWNER' && !record.out ? record.renewsTitle : null,
  };
}

function readingOf(record: SpaceRecord, me: string): Pick<SpaceView, 'read' | 'unread' | 'isMoreUnread' | 'firstUnread' | 'receipts' | 'untold'> {
  const { fresh, own, receipt, delivered, others } = record.positions ?? noPositions();
  const seated = new Set(record.seats.map(({ member }) => member));
  return {
    read: record.lastRead,
    unread: fresh.length,
    isMoreUnread: isMoreUnread(record),
    firstUnread: fresh[0] ?? null,
    receipts: others.flatMap(([member, has, read]) => (member !== me && seated.has(member) ? [{ member, delivered: has, read }] : [])),
    untold: { own: record.lastRead > own.read, delivered: delivered > receipt.delivered, read: record.lastRead > receipt.read },
  };
}

/** The alarm of the space, or of a member whose keys were contradicted. */
function alarmOf(record: SpaceRecord, people: People): string | null {
  if (record.alarm !== null) return record.alarm;
  for (const { member } of record.seats) {
    const alarm = people.alarmOf(member);
    if (alarm !== null) return alarm;
  }
  return null;
}

/** The roster's ID is no longer the member's: they are sealed nothing until somebody lets the new one in. */
function isChanged(seat: Bytes | undefined, present: Bytes | null): boolean {
  return seat !== undefined && present !== null && !equal(seat, present);
}
