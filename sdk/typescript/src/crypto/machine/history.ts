/** Opens conversations as they are now, and reads their log backwards from what is known (docs/decisions/0026). */
import type { Key } from '../../store/sealed';
import { equal, toHex, type Bytes } from '../protocol/bytes';
import { EnvelopeKind, peekHeader } from '../protocol/envelope';
import { parseAnnouncement } from '../protocol/epoch';
import { ProtocolError } from '../protocol/errors';
import { LOG_START, nextHash } from '../protocol/log';
import { MemberKind, parseMemberLink } from '../protocol/member';
import { parseRosterLink, SpaceType } from '../protocol/roster';
import { checkRosterPin, verifyRoster } from '../protocol/rosterState';
import { readAhead } from './ahead';
import { alarm } from './alarmWords';
import { claimsOf, membersOfLinks } from './claims';
import { noteSeal, oweHistory, takeComplaint } from './complaints';
import { contradictionOf, raise } from './contradiction';
import type { Context, Shown } from './context';
import type { Draft } from './draft';
import { takeEpoch } from './epochKeeping';
import { isOfLog, resetTold } from './identity';
import { judge } from './judge';
import { drop, keep, takeEnvelope, takeState } from './lines';
import { rosterNotice } from './logbook';
import { ALARMS, REASONS } from './reasons';
import type { RecordStore } from '../../store/sealed';
import { Space } from './space';
import { keys, noticeItem, type LogRow, type SpaceRecord, type StoredItem } from './spaceRecord';
import { joinedAt, noPositions } from './positions';
import type { LinkBytes, LogEvent, Snapshot } from './wire';

type Begun = Pick<Snapshot, 'space' | 'node' | 'head' | 'headHash' | 'createdAt'>;

/** The member's own account space, before its first entry. */
export function beginAccount({ store, keyring }: Context, { space, node, acceptedAt }: LogEvent): Space {
  const record = freshRecord({ space, node, head: LOG_START.n, headHash: LOG_START.hash, createdAt: acceptedAt }, null);
  return new Space(store, { ...record, isAccount: true, lastActivity: 0, start: { n: 1, hash: LOG_START.hash } }, [], keyring.member);
}

function freshRecord(snapshot: Begun, before: SpaceRecord | null): SpaceRecord {
  const head = { n: snapshot.head, hash: snapshot.headHash };
  return {
    space: snapshot.space, node: snapshot.node, createdAt: snapshot.createdAt, type: before?.type ?? 'GROUP', seats: [], start: head, head, epochSeqs: [], marks: [], current: null, epochAt: 0,
    due: true, checked: 0, lacking: [], keyless: before?.keyless ?? [], title: before?.title ?? null, picture: before?.picture ?? null, stateSeq: before?.stateSeq ?? 0,
    titleUntil: before?.titleUntil ?? null, renewsTitle: before?.renewsTitle ?? null, lifetime: before?.lifetime ?? 0, shared: before?.shared ?? false,
    lastRead: before?.lastRead ?? 0, positions: before?.positions ?? noPositions(), lastActivity: snapshot.createdAt, oldest: before?.oldest ?? 0, hasOlder: false,
    alarm: before?.alarm ?? null, out: false, owed: before?.owed ?? [], expires: before?.expires ?? null, reached: 0, told: [],
    noticed: before?.noticed ?? [], kept: before?.kept ?? [],
    ...(before === null ? { under: [] } : before.under ? { under: before.under } : {}),
  };
}

/** A person's decision to go on with what the server shows: what is remembered all the same, and epochs that are not. */
export interface Decided {
  record: SpaceRecord;
  dropped: readonly number[];
}

/**
 * A conversation from a snapshot: the roster from link 0, the newest epoch and the newest events, all verified. One
 * known before keeps its pins: the roster must go on from where it was.
 */
export async function openSnapshot(context: Context, draft: Draft, snapshot: Snapshot, before: Space | null, hasOlder: boolean, decided: Decided | null = null): Promise<{ space: Space; shown: Shown }> {
  const space = new Space(context.store, freshRecord(snapshot, decided?.record ?? before?.record ?? null), [], context.keyring.member);
  for (const n of decided?.dropped ?? []) space.dropEpoch(draft, n);
  const { record } = space;
  record.keyless = record.keyless.filter((n) => decided?.dropped.includes(n) !== true);
  try {
    await takeRoster(space, context, snapshot, before);
    const known = before && (await logContradiction(before, context.store, snapshot));
    if (before && known !== null) {
      raise(before.record, known, snapshot.head);
      return { space: before, shown: { items: [], gone: [] } };
    }
  } catch (error) {
    const isFork = error instanceof ProtocolError && error.code === 'FORK';
    record.alarm ??= isFork ? alarm('fork', error.message) : ALARMS.unverified;
    if (before) before.record.alarm ??= record.alarm;
    // What was known stays, with the alarm.
    return { space: before ?? space, shown: { items: [], gone: [] } };
  }
  snapshot.rosterLinks.forEach(({ body, signature }, n) => {
    draft.put('records', keys.link(space.id, n), { body, signature });
    const link = parseRosterLink(body);
    const isNew = n > (before?.roster?.n ?? 0);
    if (isNew && link.statement.kind === 1 && space.roster?.seats.has(toHex(link.statement.member))) oweHistory(space, context, toHex(link.statement.member), link);
  });
  if (snapshot.epoch) context.offers.put(space.id, snapshot.epoch.number, snapshot.epoch);
  const shown = await takeStretch(space, draft, context, snapshot.events, snapshot.headHash);
  if (snapshot.epoch) await takeNewestEpoch(space, draft, context, snapshot.epoch.number);
  if (snapshot.state) await takeNewestState(space, draft, context, snapshot.state);
  record.due = snapshot.due || !record.current;
  record.hasOlder = hasOlder && isReadableBefore(space);
  const times = snapshot.events.map(({ acceptedAt }) => acceptedAt);
  record.lastActivity = Math.max(record.lastActivity, ...times);
  record.reached = Math.min(Date.now(), Math.max(0, ...times));
  return { space, shown };
}

async function takeRoster(space: Space, { people, keyring }: Context, snapshot: Snapshot, before: Space | null): Promise<void> {
  const { chains } = await people.lookup(membersOfLinks(snapshot.rosterLinks));
  const states = await verifyRoster(space.bytes, snapshot.rosterLinks, chains);
  if (before?.roster) checkRosterPin(states, before.roster);
  const [first] = states;
  if (!first || first.type === SpaceType.ACCOUNT || first.type === SpaceType.VAULT) throw new RangeError('This is no conversation.');
  space.states = [...states];
  space.record.out = !states.at(-1)?.seats.has(keyring.member);
}

/** The log of a conversation that was known before may not have gone back, nor be another where both reach. */
async function logContradiction(before: Space, store: RecordStore, { head, headHash, events }: Snapshot): Promise<string | null> {
  const known = before.record.head;
  const same = events.find(({ seq }) => seq === known.n);
  if (head > known.n && same && !equal(same.logHash, known.hash)) return alarm('fork', `Entry ${same.seq} is another than this device has seen.`);
  return contradictionOf(before, store, { n: head, hash: headHash });
}

async function takeNewestEpoch(space: Space, draft: Draft, context: Context, n: number): Promise<void> {
  const { record } = space;
  try {
    await learnEpoch(space, draft, context, n);
    const epoch = await space.epoch(n);
    if (!epoch) throw new RangeError('The server does not show the newest epoch.');
    record.current = { n: epoch.n, hash: epoch.hash };
    record.epochAt = epoch.acceptedAt;
  } catch {
    record.alarm ??= ALARMS.unverified;
  }
}

/** Title and picture may lie further back than the page that was loaded. */
async function takeNewestState(space: Space, draft: Draft, context: Context, event: LogEvent): Promise<void> {
  if (event.body.kind !== 'envelope' || event.body.envelope === null) return;
  try {
    for (const n of (await claimsOf(event)).epochs) await learnEpoch(space, draft, context, n);
    const judged = await judge(space, draft, context.people, event, event.body.envelope);
    const { content } = judged;
    if (judged.header.kind === EnvelopeKind.STATE && content !== null) takeState(space, draft, event, { ...judged, content });
  } catch {
    // A title from before one joined cannot be read; the conversation then has none until an admin sets it.
  }
}

/** Deletes the lines that were not read again; they come back as older pages. Returns the keys of those gone. */
export async function forgetOthers(space: Space, draft: Draft, { store }: Context, read: StoredItem[]): Promise<string[]> {
  const gone: string[] = [];
  const [seqs, names] = [new Set(read.map(({ seq }) => seq)), new Set(read.map(({ key }) => key))];
  for (const { value } of await store.range('items', [space.id, 0], [space.id, Number.MAX_SAFE_INTEGER])) {
    const { seq, key } = value as StoredItem;
    // What only this device has would not come again.
    if (!isOfLog(value as StoredItem)) continue;
    if (!seqs.has(seq)) drop(space, draft, seq);
    if (!names.has(key)) gone.push(key);
  }
  space.record.oldest = Math.min(...seqs);
  return gone;
}

/** Events that end just below the known stretch. Throws nothing: what does not fit raises the alarm. */
export async function applyOlder(space: Space, draft: Draft, context: Context, events: LogEvent[], hasOlder: boolean): Promise<Shown> {
  const { record } = space;
  const last = events.at(-1);
  const row = (await draft.get('log', [space.id, record.start.n])) as LogRow | undefined;
  if (!last || !row || last.seq !== record.start.n - 1) {
    record.hasOlder = false;
    return { items: [], gone: [] };
  }
  if (!equal(await nextHash(last.logHash, record.start.n, row.item), record.start.hash)) {
    record.alarm ??= alarm('fork', `What the server shows before entry ${record.start.n} does not lead to it.`);
    return { items: [], gone: [] };
  }
  const shown = await takeStretch(space, draft, context, events, last.logHash);
  record.hasOlder = hasOlder && isReadableBefore(space);
  return shown;
}

/** Number of the roster link by which this member came in last; -1: was there from the first. */
function addedBy({ states, me }: Space): number {
  return states.findLastIndex((state, n) => n > 0 && !states[n - 1]?.seats.has(me) && state.seats.has(me));
}

/** What lies before the own joining is not unread. */
function noteJoining(space: Space): void {
  const added = addedBy(space);
  const mark = space.record.marks.find(({ member, n }) => member === null && n === added);
  if (added !== -1 && mark) joinedAt(space.record, mark.seq);
}

/** Whether there is anything before the stretch that this member may read. */
function isReadableBefore(space: Space): boolean {
  const { roster, record } = space;
  if (record.start.n <= 1) return false;
  if (roster?.policy.shared) return true;
  const added = addedBy(space);
  // Before one's own add there is nothing for one to read, unless one was there from the first.
  return added === -1 || !record.marks.some(({ member, n }) => member === null && n === added);
}

/** Verifies the stretch's hashes up to `end`, notes what made epochs due, then reads the envelopes. */
async function takeStretch(space: Space, draft: Draft, context: Context, events: LogEvent[], end: Bytes): Promise<Shown> {
  const { record } = space;
  if (!(await isChained(events, end))) {
    record.alarm ??= alarm('fork', 'The entries that the server shows do not follow from one another.');
    return { items: [], gone: [] };
  }
  const [first] = events;
  if (!first) return { items: [], gone: [] };
  record.start = { n: first.seq, hash: first.logHash };
  const shown: Shown = { items: [], gone: [] };
  const marksBefore = record.marks.length;
  await draft.load('log', events.flatMap((event) => keysOf(space.id, event)));
  for (const event of events) {
    const before = (await draft.get('log', [space.id, event.seq])) as LogRow | undefined;
    const until = before && equal(before.item, event.item) ? before.until : undefined;
    draft.put('log', [space.id, event.seq], { hash: event.logHash, item: event.item, ...(until === undefined ? {} : { until }) } satisfies LogRow);
    const itemKey = keys.item(space.id, event.item);
    const other = (await draft.get('log', itemKey)) as number | undefined;
    if (other === undefined || other > event.seq) draft.put('log', itemKey, event.seq);
    merge(shown, await noteChange(space, draft, event));
  }
  noteJoining(space);
  for (const n of await epochsIn(events)) await learnEpoch(space, draft, context, n).catch(() => undefined);
  await readAhead(space, context.people, events);
  for (const event of events) {
    merge(shown, await takeEnvelope(space, draft, context, event, false));
    if (event.body.kind === 'complaint') merge(shown, await tellComplaint(space, draft, context, event, event.body));
  }
  if (record.marks.length > marksBefore) merge(shown, await refuseLate(space, draft, context));
  return shown;
}

/** Each hash follows from the one before it as it was told, so they are looked at side by side. */
async function isChained(events: LogEvent[], end: Bytes): Promise<boolean> {
  const fits = await Promise.all(
    events.map(async ({ seq, item, logHash }, index) => {
      const before = events[index - 1];
      if (!before) return seq !== 1 || equal(logHash, await nextHash(LOG_START.hash, 1, item));
      return seq === before.seq + 1 && equal(logHash, await nextHash(before.logHash, seq, item));
    }),
  );
  const last = events.at(-1);
  return fits.every(Boolean) && (!last || equal(last.logHash, end));
}

async function tellComplaint(space: Space, draft: Draft, context: Context, { seq, item, acceptedAt }: LogEvent, signed: LinkBytes): Promise<Shown> {
  const notice = await takeComplaint(space, context, item, signed, false);
  return notice ? keep(space, draft, noticeItem(seq, acceptedAt, notice, 0)) : { items: [], gone: [] };
}

/** Roster links, announcements and members' links of the past: already in the chains, here only their places. */
async function noteChange(space: Space, draft: Draft, event: LogEvent): Promise<Shown> {
  const { record } = space;
  const { seq, item, acceptedAt, body } = event;
  try {
    switch (body.kind) {
      case 'envelope':
        break;
      case 'roster': {
        const { n } = parseRosterLink(body.body);
        const state = space.states[n];
        if (!state || !equal(state.hash, item)) throw new RangeError('The log holds a link that is not of the roster.');
        space.addMark(seq, null, n);
        return keep(space, draft, noticeItem(seq, acceptedAt, rosterNotice(body.body, space.states[n - 1] ?? null), 0));
      }
      case 'epoch': {
        const { epoch } = await parseAnnouncement(body.announcement);
        if (!equal(epoch.hash, item)) throw new RangeError('The log holds an announcement that is another.');
        space.addEpochSeq(epoch.n, seq);
        break;
      }
      case 'complaint':
        space.addMark(seq);
        break;
      case 'member': {
        const { member, n, statement } = parseMemberLink(body.body);
        space.addMark(seq, toHex(member), n);
        if (statement.kind === MemberKind.IDENTITY_RESET) return resetTold(space, draft, event, toHex(member), n);
      }
    }
  } catch {
    record.alarm ??= alarm('fork', `Entry ${seq} is not what the list of members says.`);
  }
  return { items: [], gone: [] };
}

/** All that is looked up of an entry: read at once for a whole page. */
function keysOf(space: string, { seq, item, body }: LogEvent): Key[] {
  const found: Key[] = [[space, seq], keys.item(space, item)];
  if (body.kind !== 'envelope' || body.envelope === null) return found;
  try {
    const id = toHex(peekHeader(body.envelope).id);
    return [...found, keys.envelope(space, id), keys.late(space, id)];
  } catch {
    return found;
  }
}

async function epochsIn(events: LogEvent[]): Promise<Set<number>> {
  const found = new Set<number>();
  for (const event of events) for (const n of (await claimsOf(event)).epochs) found.add(n);
  // From the newest down, so that each is checked against the one that follows it.
  return new Set([...found].sort((one, other) => other - one));
}

/** Verifies an epoch of the past that the server offered. Throws a ProtocolError when it is not valid. */
export async function learnEpoch(space: Space, draft: Draft, { offers, keyring, people }: Context, n: number, isAgain = false): Promise<void> {
  if (!isAgain && (await space.epoch(n))) return;
  const offered = offers.get(space.id, n);
  if (!offered) return;
  const taken = await takeEpoch(space, offered, keyring, people, null);
  if (taken.epoch.n !== n) return;
  await space.keepEpoch(draft, taken.epoch);
  offers.drop(space.id, n);
  if (taken.isAlarm) space.record.alarm ??= ALARMS.seal;
  noteSeal(space, taken);
}

/** Messages already shown that turn out to lie after what ended their epoch. */
async function refuseLate(space: Space, draft: Draft, { store }: Context): Promise<Shown> {
  const shown: Shown = { items: [], gone: [] };
  // What holds for any message under an epoch holds for the last one.
  if (space.record.under?.some(([epoch, seq]) => space.endedBefore(epoch, seq)) === false) return shown;
  const found = await store.range('items', [space.id, space.record.start.n], [space.id, space.record.head.n]);
  for (const { value } of found) {
    const item = value as StoredItem;
    if (item.body.kind !== 'text' || item.epoch === 0 || !space.endedBefore(item.epoch, item.seq)) continue;
    merge(shown, keep(space, draft, { ...item, body: { kind: 'unreadable', reason: REASONS.late } }));
  }
  return shown;
}

function merge(into: Shown, more: Shown): void {
  into.items.push(...more.items);
  into.gone.push(...more.gone);
}

