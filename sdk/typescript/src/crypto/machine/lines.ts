/** From a judged envelope to a line of the conversation, or to the change that it makes to another line. */
import { equal, toHex } from '../protocol/bytes';
import { readMessage, readState } from '../protocol/contents';
import { EnvelopeKind, type Content } from '../protocol/envelope';
import { takeAccountEntry } from './accountSpace';
import { alarm } from './alarmWords';
import { keptNoMore } from './kept';
import type { Context, Shown } from './context';
import type { Draft } from './draft';
import { earlier, goesBack, mayBeOver, remind } from './expiry';
import { judge, Refused, type Judged } from './judge';
import { ownEntries } from './ownEntries';
import { ALARMS, REASONS } from './reasons';
import type { Space } from './space';
import { lifetimeOf } from './policy';
import { lineGone, lineKept } from './positions';
import type { Queued } from './queue';
import { keys, noticeItem, type EnvelopeRow, type LateChange, type LogRow, type StoredItem } from './spaceRecord';
import type { ItemBody, LogEvent } from './wire';

/** `live`: the newest entry of the log; otherwise one of before what is known. */
export async function takeEnvelope(space: Space, draft: Draft, context: Context, event: LogEvent, isLive: boolean): Promise<Shown> {
  if (event.body.kind !== 'envelope') return { items: [], gone: [] };
  if (event.body.envelope === null) return takeGone(space, draft, context, event, isLive);
  let judged: Judged;
  try {
    judged = await judge(space, draft, context.people, event, event.body.envelope);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.isFork) space.record.alarm ??= alarm('fork', `Whoever wrote the message at entry ${event.seq} has seen another history.`);
    return keep(space, draft, { ...line(event, `seq:${event.seq}`, event.acceptedAt, null), body: unreadable(error) });
  }
  const { header, id, sender, content, until } = judged;
  const place = (await draft.get('log', [space.id, event.seq])) as LogRow | undefined;
  if (place) draft.put('log', [space.id, event.seq], { ...place, until } satisfies LogRow);
  const row: EnvelopeRow = { seq: event.seq, kind: header.kind, author: sender, b: header.b };
  draft.put('log', keys.envelope(space.id, id), row);
  if (sender === context.keyring.member) draft.put('outbox', id, undefined);
  if (content !== null && isLive && equal(header.device, context.keyring.device.device)) {
    await ownEntries.keep(space, draft, context, event, { kind: 'envelope', envelope: event.body.envelope }, until);
  }
  if (content === null) return over(draft, space, event.seq, id);
  try {
    return await takeContent(space, draft, context, event, { ...judged, content }, isLive);
  } catch {
    return keep(space, draft, { ...line(event, id, header.time, sender), body: { kind: 'unreadable', reason: REASONS.newer } });
  }
}

/** A title, a reaction or the like without its key would be no line if it had one. */
function unreadable({ reason, kind }: Refused): ItemBody {
  const isNoLine = kind !== null && kind !== EnvelopeKind.MESSAGE;
  return { kind: 'unreadable', reason, ...(isNoLine ? { isNoLine } : {}) };
}

/** Its time is over: what this device still shows of it goes at once. */
function over(draft: Draft, space: Space, seq: number, key: string): Shown {
  drop(space, draft, seq);
  return { items: [], gone: [key] };
}

/** The server says that it has expired, which must be possible; what waits here under this item was it. */
async function takeGone(space: Space, draft: Draft, context: Context, event: LogEvent, isLive: boolean): Promise<Shown> {
  const { record } = space;
  const row = (await draft.get('log', [space.id, event.seq])) as LogRow | undefined;
  if (!mayBeOver(row, event.acceptedAt, Date.now()) || (isLive && goesBack(event.acceptedAt, record.reached))) {
    record.alarm ??= ALARMS.withheld;
    return { items: [], gone: [] };
  }
  for (const { key, value } of await context.store.range('outbox', '', '~')) {
    const { space: where, item } = value as Queued;
    if (where !== space.id || item === null || !equal(item, event.item)) continue;
    draft.put('outbox', key, undefined);
    return { items: [], gone: [String(key)] };
  }
  return { items: [], gone: [] };
}

type Opened = Judged & { content: Content };

/** What the member's devices tell each other is kept, and no line of anything. */
async function takeAccount(draft: Draft, context: Context, { header, content }: Opened): Promise<Shown> {
  if (header.kind === EnvelopeKind.STATE) await takeAccountEntry(draft, context, content);
  return { items: [], gone: [] };
}

async function takeContent(space: Space, draft: Draft, context: Context, event: LogEvent, judged: Opened, isLive: boolean): Promise<Shown> {
  const { header, id, sender, content, until } = judged;
  if (space.record.isAccount) return takeAccount(draft, context, judged);
  switch (header.kind) {
    case EnvelopeKind.MESSAGE: {
      const item: StoredItem = {
        ...line(event, id, header.time, sender), body: { kind: 'text', text: readMessage(content) }, epoch: header.epoch.n,
        b: lifetimeOf({ lifetime: header.b }), expiresAt: until,
      };
      const late = await takeLate(space, draft, id, item);
      return { items: late.items, gone: [...late.gone, ...keptNoMore(space, draft, id)] };
    }
    case EnvelopeKind.EDIT:
      return change(space, draft, event, judged, { what: 'edit', text: readMessage(content) });
    case EnvelopeKind.DELETE:
      return change(space, draft, event, judged, { what: 'delete', text: '' });
    case EnvelopeKind.STATE:
      return isLive ? takeState(space, draft, event, judged) : { items: [], gone: [] };
    default:
      // Reactions, receipts and what later versions add have no line of their own.
      return { items: [], gone: [] };
  }
}

/** Title and picture; a notice only where one changed. */
export function takeState(space: Space, draft: Draft, event: LogEvent, { content, sender, header, until }: Opened): Shown {
  const { record } = space;
  if (event.seq <= record.stateSeq) return { items: [], gone: [] };
  const { title, picture } = readState(content);
  const isFirst = record.stateSeq === 0;
  const hasTitle = title !== record.title;
  const hasPicture = !(picture === null ? record.picture === null : record.picture !== null && equal(picture.bytes, record.picture.bytes));
  record.title = title;
  record.picture = picture === null ? null : { bytes: picture.bytes, mediaType: picture.mediaType };
  record.stateSeq = event.seq;
  setTitleEnd(space, draft, until);
  if (isFirst || (!hasTitle && !hasPicture)) return { items: [], gone: [] };
  const notice = noticeItem(event.seq, header.time, { what: hasTitle ? 'title' : 'picture', by: sender, title }, header.epoch.n);
  // The line tells the title, and goes with it.
  return keep(space, draft, { ...notice, b: lifetimeOf({ lifetime: header.b }), expiresAt: until });
}

/** Owners seal a title anew in the second half of its time (docs/decisions/0062); not all of them at one moment. */
function setTitleEnd(space: Space, draft: Draft, until: number | null): void {
  const { record } = space;
  record.titleUntil = until;
  record.renewsTitle = null;
  if (until === null) return;
  const left = until - Date.now();
  record.renewsTitle = until - left / 2 + Math.random() * (left / 4);
  remind(space, draft, until, { what: 'title' });
}

export function keep(space: Space, draft: Draft, item: StoredItem): Shown {
  const { record } = space;
  draft.put('items', [space.id, item.seq], item);
  lineKept(record, item, space.me);
  if (record.oldest === 0 || item.seq < record.oldest) record.oldest = item.seq;
  if (record.under && item.body.kind === 'text' && item.epoch > 0) noteUnder(record.under, item);
  if (item.expiresAt !== null) remind(space, draft, item.expiresAt, { what: 'line', seq: item.seq });
  return { items: [item], gone: [] };
}

/** The line is no longer there. */
export function drop(space: Space, draft: Draft, seq: number): void {
  draft.put('items', [space.id, seq], undefined);
  lineGone(space.record, seq);
}

function noteUnder(under: [number, number][], { epoch, seq }: StoredItem): void {
  const known = under.find(([n]) => n === epoch);
  if (!known) under.push([epoch, seq]);
  else known[1] = Math.max(known[1], seq);
}

function line(event: LogEvent, key: string, time: number, sender: string | null): Omit<StoredItem, 'body'> {
  return { key, seq: event.seq, time, sender, epoch: 0, b: 0, expiresAt: null };
}

async function change(
  space: Space,
  draft: Draft,
  event: LogEvent,
  { header, sender, isAdmin, about, until }: Judged,
  { what, text }: Pick<LateChange, 'what' | 'text'>,
): Promise<Shown> {
  const late: LateChange = { seq: event.seq, what, text, by: sender, isAdmin, until };
  const item = about ? ((await draft.get('items', [space.id, about.seq])) as StoredItem | undefined) : undefined;
  if (item) return alter(space, draft, item, late);
  // Its message is not loaded (yet): kept until it is.
  const id = header.ref ? toHex(header.ref) : '';
  const key = keys.late(space.id, id);
  const before = (await draft.get('log', key)) as LateChange | undefined;
  if (before && before.seq >= event.seq) return { items: [], gone: [] };
  draft.put('log', key, late);
  if (until !== null) remind(space, draft, until, { what: 'late', id });
  return { items: [], gone: [] };
}

async function takeLate(space: Space, draft: Draft, id: string, item: StoredItem): Promise<Shown> {
  const key = keys.late(space.id, id);
  const late = (await draft.get('log', key)) as LateChange | undefined;
  if (!late) return keep(space, draft, item);
  draft.put('log', key, undefined);
  const altered = alter(space, draft, item, late);
  return altered.items.length + altered.gone.length === 0 ? keep(space, draft, item) : altered;
}

function alter(space: Space, draft: Draft, item: StoredItem, { what, text, by, isAdmin, until }: LateChange): Shown {
  const isAuthor = item.sender === by;
  if (item.body.kind !== 'text') return { items: [], gone: [] };
  if (what === 'edit') {
    return isAuthor ? keep(space, draft, { ...item, body: { kind: 'text', text }, expiresAt: earlier(item.expiresAt, until) }) : { items: [], gone: [] };
  }
  if (!isAuthor && !isAdmin) return { items: [], gone: [] };
  drop(space, draft, item.seq);
  return { items: [], gone: [item.key] };
}
