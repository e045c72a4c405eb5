/** Learning and judging: what the server tells becomes what this device believes and shows. */
import type { Key, Write } from '../../store/sealed';
import type { Bytes } from '../protocol/bytes';
import { readAhead } from './ahead';
import { isWholeAgain } from './alarmWords';
import { contradictionOf, raise } from './contradiction';
import { claimsOf, claimsOfAnnouncement, claimsOfLink } from './claims';
import type { Context } from './context';
import { sweep } from './expiry';
import { applyOlder, beginAccount, forgetOthers, learnEpoch, openSnapshot } from './history';
import { resetNoticed } from './identity';
import { forward } from './logbook';
import type { Markers } from './markers';
import { needsOwn } from './ownKeys';
import { isMoreUnread, readUpTo } from './positions';
import type { Rooms } from './rooms';
import type { Space } from './space';
import type { SpaceRecord } from './spaceRecord';
import type { EpochBytes, Identity, ItemView, LogEvent, MarkerBytes, Needs, Snapshot, SpaceChange } from './wire';
import type { Draft } from './draft';

const CURSOR: Key = 'cursor';
export class Reading {
  readonly #context: Context;
  readonly #rooms: Rooms;
  readonly #markers: Markers;

  constructor(context: Context, rooms: Rooms, markers: Markers) {
    this.#context = context;
    this.#rooms = rooms;
    this.#markers = markers;
  }

  async cursor(): Promise<string | null> {
    return ((await this.#context.store.get('records', CURSOR)) as string | undefined) ?? null;
  }

  async keepCursor(cursor: string | null): Promise<void> {
    await this.#context.store.write([{ table: 'records', key: CURSOR, value: cursor ?? undefined }]);
  }

  async accountHead(): Promise<number> {
    const { account } = this.#context;
    return account.space === null ? 0 : ((await this.#rooms.find(account.space))?.head.n ?? 0);
  }

  // ---- what must be fetched first

  async needs(events: LogEvent[], common = Infinity): Promise<Needs> {
    const members = new Map<string, number>();
    const epochs = new Map<string, Needs['epochs'][number]>();
    const own = { ownKey: false, wraps: false };
    for (const event of events) {
      const claims = await claimsOf(event);
      for (const [member, n] of claims.members) members.set(member, Math.max(n, members.get(member) ?? 0));
      for (const number of claims.epochs) {
        if (!(await this.#hasEpoch(event.space, number, members, own, common))) epochs.set(`${event.space}:${number}`, { space: event.space, node: event.node, number, isAccount: event.isAccount });
      }
    }
    return { members: await this.#unknown(members), epochs: [...epochs.values()], ...own };
  }

  async needsOf(snapshot: Snapshot, common = Infinity): Promise<Needs> {
    const { epoch, rosterLinks, events, state } = snapshot;
    if (epoch) this.#context.offers.put(snapshot.space, epoch.number, epoch);
    const needs = await this.needs(state ? [...events, state] : events, common);
    const { keyring } = this.#context;
    const members = new Map([[keyring.member, epoch ? needsOwn(keyring, epoch, needs) : 0]]);
    const marked = await this.needsOfMarkers(snapshot.markers);
    const claims = [...rosterLinks.flatMap(({ body }) => claimsOfLink(body)), ...(epoch ? (await claimsOfAnnouncement(epoch.announcement)).members : [])];
    for (const [member, n] of claims) members.set(member, Math.max(n, members.get(member) ?? 0));
    return {
      members: [...new Set([...needs.members, ...marked.members, ...(await this.#unknown(members))])], epochs: united(needs.epochs, marked.epochs),
      ownKey: needs.ownKey || marked.ownKey, wraps: needs.wraps || marked.wraps,
    };
  }

  async needsOfMarkers(markers: MarkerBytes[]): Promise<Needs> {
    return this.needs(await this.#markers.asEvents(markers));
  }

  async needsOfEpochs(space: string, numbers: number[]): Promise<Needs> {
    const members = new Map<string, number>();
    const own = { ownKey: false, wraps: false };
    for (const number of numbers) {
      const offered = this.#context.offers.get(space, number);
      if (offered) await this.#noteOffered(offered, members, own);
    }
    return { members: await this.#unknown(members), epochs: [], ...own };
  }

  /** True when the epoch is verified, or was asked for; its creator is then among the members to know. */
  async #hasEpoch(space: string, number: number, members: Map<string, number>, own: Pick<Needs, 'ownKey' | 'wraps'>, common: number): Promise<boolean> {
    const open = await this.#rooms.find(space);
    if (open && (open.epochSeq(number) ?? 0) <= common && (await open.epoch(number))) return true;
    const offered = this.#context.offers.get(space, number);
    if (offered) await this.#noteOffered(offered, members, own);
    return offered !== undefined;
  }

  async #noteOffered(offered: EpochBytes, members: Map<string, number>, own: Pick<Needs, 'ownKey' | 'wraps'>): Promise<void> {
    const { keyring } = this.#context;
    const ownLink: [string, number] = [keyring.member, needsOwn(keyring, offered, own)];
    for (const [member, n] of [ownLink, ...(await claimsOfAnnouncement(offered.announcement)).members]) members.set(member, Math.max(n, members.get(member) ?? 0));
  }

  async #unknown(members: Map<string, number>): Promise<string[]> {
    const unknown: string[] = [];
    for (const [member, n] of members) {
      const known = await this.#context.people.find(member);
      if (!known || known.chain.n < n) unknown.push(member);
    }
    return unknown;
  }

  async learnIdentities(identities: Identity[]): Promise<SpaceChange[]> {
    const { changes, again } = await this.#learn(identities, true);
    return [...(await this.#withAlarmed(new Set(again))), ...changes];
  }

  tryIdentities(identities: Identity[]): Promise<{ changes: SpaceChange[]; again: string[] }> {
    return this.#learn(identities, false);
  }

  /** With `isLast`, who contradicts what was seen before keeps an alarm; either way they are named in `again`. */
  async #learn(identities: Identity[], isLast: boolean): Promise<{ changes: SpaceChange[]; again: string[] }> {
    const { people, store } = this.#context;
    const again: string[] = [];
    const resets = new Map<string, number>();
    const writes: Write[] = [];
    for (const identity of identities) {
      const { writes: learned, isAlarm, reset } = await people.learn(identity, isLast);
      writes.push(...learned);
      if (isAlarm) again.push(identity.person.id);
      if (reset !== null) resets.set(identity.person.id, reset);
    }
    await store.write(writes);
    return { changes: await this.#noticeResets(resets), again };
  }

  /** In every conversation with somebody who began anew, a line says so. */
  async #noticeResets(resets: ReadonlyMap<string, number>): Promise<SpaceChange[]> {
    const changes: SpaceChange[] = [];
    for (const { space, seats, isAccount } of resets.size === 0 ? [] : await this.#rooms.records()) {
      for (const [member, n] of isAccount ? [] : resets) {
        if (!seats.some((seat) => seat.member === member)) continue;
        const open = await this.#rooms.get(space);
        changes.push(await this.#rooms.change([space], async (draft) => this.#rooms.shown(open, await resetNoticed(open, draft, member, n))));
      }
    }
    return merged(changes);
  }

  /** The conversations with members whose keys were contradicted, shown with their alarm. */
  async #withAlarmed(members: ReadonlySet<string>): Promise<SpaceChange[]> {
    if (members.size === 0) return [];
    const touched = (await this.#rooms.records()).filter(({ seats }) => seats.some(({ member }) => members.has(member)));
    return touched.map((record) => ({ view: this.#rooms.view(record), items: [], gone: [] }));
  }

  learnEpoch(space: string, number: number, epoch: EpochBytes | null): void {
    this.#context.offers.put(space, number, epoch);
  }

  // ---- taking in

  /** `isAfresh`: lines that were kept before are read again, which makes those readable whose keys came later. */
  async openSpace(snapshot: Snapshot, hasOlder: boolean, isAfresh = false): Promise<SpaceChange> {
    const before = await this.#rooms.find(snapshot.space);
    const { account } = this.#context;
    return this.#rooms.change([snapshot.space, ...(account.space === null ? [] : [account.space])], async (draft) => {
      const { space, shown } = await openSnapshot(this.#context, draft, snapshot, before, hasOlder);
      if (isAfresh && shown.items.length > 0) shown.gone.push(...(await forgetOthers(space, draft, this.#context, shown.items)));
      if (isAfresh) await space.settleKeyless();
      this.#rooms.put(space);
      await this.#markers.take(draft, snapshot.markers, true);
      space.save(draft);
      return this.#rooms.shown(space, shown);
    });
  }

  async apply(events: LogEvent[], cursor: string | null): Promise<SpaceChange[]> {
    const spaces = [...new Set(events.map(({ space }) => space))];
    return this.#rooms.change(spaces, async (draft) => {
      const changes: SpaceChange[] = [];
      for (const id of spaces) {
        const space = await this.#rooms.find(id);
        if (space) await readAhead(space, this.#context.people, events.filter((event) => event.space === id));
      }
      for (const event of events) {
        const space = (await this.#rooms.find(event.space)) ?? this.#begun(draft, event);
        if (!space || event.seq > space.head.n + 1) continue;
        const shown = await forward(space, draft, this.#context, event);
        space.save(draft);
        changes.push(this.#rooms.shown(space, event.isAccount ? { items: [], gone: [] } : shown));
      }
      changes.push(...(await this.#withAlarmed(this.#context.account.alarmed)));
      this.#context.account.alarmed.clear();
      if (cursor !== null) draft.put('records', CURSOR, cursor);
      return merged(changes);
    });
  }

  /** The member's own account space at its first entry; everything else is opened from a snapshot. */
  #begun(draft: Draft, event: LogEvent): Space | null {
    if (!event.isAccount || event.seq !== 1) return null;
    const { account } = this.#context;
    const space = beginAccount(this.#context, event);
    this.#rooms.put(space);
    draft.add(account.begin(space.id));
    return space;
  }

  /** Markers of the stream, in their order, or asked for. */
  applyMarkers(markers: MarkerBytes[], cursor: string | null, isAfresh: boolean): Promise<SpaceChange[]> {
    return this.#markers.apply(markers, isAfresh, (draft) => { if (cursor !== null) draft.put('records', CURSOR, cursor); });
  }

  async applyOlder(space: string, events: LogEvent[], hasOlder: boolean): Promise<SpaceChange> {
    const open = await this.#rooms.get(space);
    return this.#rooms.change([space], async (draft) => this.#rooms.shown(open, await applyOlder(open, draft, this.#context, events, hasOlder)));
  }

  /** Epochs that this device cannot open although somebody may give it their keys, the newest first. */
  async missing(space: string): Promise<number[]> {
    return [...(await this.#rooms.get(space)).record.keyless].sort((one, other) => other - one);
  }

  /**
   * Looks again at epochs that could not be opened; true when some can be opened now. Those go on being named by
   * `missing` until what lies under them was read again, for this device may end in between.
   */
  async retry(space: string, numbers: number[]): Promise<boolean> {
    const open = await this.#rooms.get(space);
    return this.#rooms.change([space], async (draft) => {
      const lacking = new Set(open.record.keyless);
      let isBetter = false;
      for (const n of numbers) {
        // What is open stays so: the server may no longer show what has opened it.
        if (!(await open.isOpen(n))) await learnEpoch(open, draft, this.#context, n, true);
        if (!lacking.has(n) || !(await open.isOpen(n))) continue;
        isBetter = true;
        if (!open.record.keyless.includes(n)) open.record.keyless.push(n);
      }
      return isBetter;
    });
  }

  /** Deletes what is over (e2ee.md section 9). */
  async expire(): Promise<SpaceChange[]> {
    const now = Date.now();
    const changes: SpaceChange[] = [];
    for (const { space, expires } of await this.#rooms.records()) {
      if (expires === null || expires > now) continue;
      try {
        const open = await this.#rooms.get(space);
        changes.push(await this.#rooms.change([space], async (draft) => this.#rooms.shown(open, await sweep(open, draft, this.#context, now))));
      } catch {
        // One conversation that cannot be read keeps no other from its time; it is tried again.
      }
    }
    return changes;
  }

  /** Where the stretch of the log begins that this device knows. */
  async start(space: string): Promise<number> {
    return (await this.#rooms.get(space)).record.start.n;
  }

  /** The viewer is no member any more, although this device saw no removal. */
  closeSpace(space: string): Promise<SpaceChange> {
    return this.#alter(space, (record) => { record.out = true; });
  }

  raiseAlarm(space: string, alarm: string): Promise<SpaceChange> {
    return this.#alter(space, (record) => { record.alarm ??= alarm; });
  }

  async markDue(space: string): Promise<SpaceChange> {
    return this.#alter(space, (record) => { record.due = true; });
  }

  /** The server says that no epoch is due: so it is, unless the log itself says otherwise. */
  async markNotDue(space: string): Promise<SpaceChange> {
    const isEnded = (await this.#rooms.get(space)).isEnded();
    return this.#alter(space, (record) => { record.due = isEnded; });
  }

  async markRead(space: string): Promise<SpaceChange> {
    return this.#alter(space, (record) => {
      // Nothing is told anew for what leaves nothing unread.
      if (record.positions?.fresh.length || isMoreUnread(record)) readUpTo(record, record.head.n);
    });
  }

  /** Compares a head that the server names with what is known here. */
  async checkHead(space: string, seq: number, hash: Bytes): Promise<SpaceChange | null> {
    const open = await this.#rooms.get(space);
    const text = await contradictionOf(open, this.#context.store, { n: seq, hash });
    if (text !== null) return this.#alter(space, (record) => { raise(record, text, seq); });
    return seq === open.head.n && isWholeAgain(open.record) ? this.#alter(space, () => undefined) : null;
  }

  items(space: string, beforeSeq: number | null, count: number): Promise<ItemView[]> {
    return this.#rooms.items(space, beforeSeq, count);
  }

  async #alter(space: string, change: (record: SpaceRecord) => void): Promise<SpaceChange> {
    const open = await this.#rooms.get(space);
    return this.#rooms.change([space], () => {
      change(open.record);
      return Promise.resolve(this.#rooms.shown(open));
    });
  }
}

function united(one: Needs['epochs'], other: Needs['epochs']): Needs['epochs'] {
  return [...new Map([...one, ...other].map((wanted) => [`${wanted.space}:${wanted.number}`, wanted])).values()];
}

/** One change for each space: the newest view, all items in order, without those that are gone. */
function merged(changes: SpaceChange[]): SpaceChange[] {
  const bySpace = new Map<string, SpaceChange>();
  for (const { view, items, gone } of changes) {
    const before = bySpace.get(view.space);
    const kept = (before?.items ?? []).filter(({ key }) => !gone.includes(key));
    bySpace.set(view.space, { view, items: [...kept, ...items], gone: [...(before?.gone ?? []), ...gone] });
  }
  return [...bySpace.values()];
}

