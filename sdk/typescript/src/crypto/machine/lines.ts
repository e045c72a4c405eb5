/** From a judged envelope to a line of the conversation, or to the change that it makes to another line. */
import { LIFETIMES } from '../protocol/branches';
import { equal, toHex } from '../protocol/bytes';
import { readMessage, readState } from '../protocol/contents';
import { EnvelopeKind } from '../protocol/envelope';
import type { Context, Shown } from './context';
import type { Draft } from './draft';
import { judge, Refused, type Judged } from './judge';
import { ALARMS, REASONS } from './reasons';
import type { Space } from './space';
import { keys, noticeItem, type EnvelopeRow, type LateChange, type StoredItem } from './spaceRecord';
import type { LogEvent } from './wire';

/** `live`: the newest entry of the log; otherwise one of before what is known. */
export async function takeEnvelope(space: Space, draft: Draft, context: Context, event: LogEvent, isLive: boolean): Promise<Shown> {
  if (event.body.kind !== 'envelope' || event.body.envelope === null) return { items: [], gone: [] };
  let judged: Judged;
  try {
    judged = await judge(space, draft, context.people, event, event.body.envelope);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.isFork) space.record.alarm ??= ALARMS.fork;
    return keep(space, draft, { ...line(event, `seq:${event.seq}`, event.acceptedAt, null), body: { kind: 'unreadable', reason: error.reason } });
  }
  const { header, id, sender } = judged;
  const row: EnvelopeRow = { seq: event.seq, kind: header.kind, author: sender, b: header.b };
  draft.put('log', keys.envelope(space.id, id), row);
  if (sender === context.keyring.member) draft.put('outbox', id, undefined);
  try {
    return await takeContent(space, draft, context, event, judged, isLive);
  } catch {
    return keep(space, draft, { ...line(event, id, header.time, sender), body: { kind: 'unreadable', reason: REASONS.newer } });
  }
}

async function takeContent(space: Space, draft: Draft, context: Context, event: LogEvent, judged: Judged, isLive: boolean): Promise<Shown> {
  const { header, id, sender, content } = judged;
  switch (header.kind) {
    case EnvelopeKind.MESSAGE: {
      const lifetime = LIFETIMES[header.b] ?? null;
      const expiresAt = lifetime === null ? null : Math.min(event.acceptedAt, Date.now()) + lifetime;
      const item: StoredItem = {
        ...line(event, id, header.time, sender), body: { kind: 'text', text: readMessage(content) }, epoch: header.epoch.n, expiresAt,
      };
      if (isLive && sender !== context.keyring.member && event.seq > space.record.lastRead) space.record.unread += 1;
      return takeLate(space, draft, id, item);
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
export function takeState(space: Space, draft: Draft, event: LogEvent, { content, sender, header }: Judged): Shown {
  const { record } = space;
  if (event.seq <= record.stateSeq) return { items: [], gone: [] };
  const { title, picture } = readState(content);
  const isFirst = record.stateSeq === 0;
  const hasTitle = title !== record.title;
  const hasPicture = !(picture === null ? record.picture === null : record.picture !== null && equal(picture.bytes, record.picture.bytes));
  record.title = title;
  record.picture = picture === null ? null : { bytes: picture.bytes, mediaType: picture.mediaType };
  record.stateSeq = event.seq;
  if (isFirst || (!hasTitle && !hasPicture)) return { items: [], gone: [] };
  return keep(space, draft, noticeItem(event.seq, header.time, { what: hasTitle ? 'title' : 'picture', by: sender, title }, header.epoch.n));
}

export function keep(space: Space, draft: Draft, item: StoredItem): Shown {
  const { record } = space;
  draft.put('items', [space.id, item.seq], item);
  if (record.oldest === 0 || item.seq < record.oldest) record.oldest = item.seq;
  if (item.expiresAt !== null && !record.expiring.some(([seq]) => seq === item.seq)) record.expiring.push([item.seq, item.expiresAt]);
  return { items: [item], gone: [] };
}

function line(event: LogEvent, key: string, time: number, sender: string | null): Omit<StoredItem, 'body'> {
  return { key, seq: event.seq, time, sender, epoch: 0, expiresAt: null };
}

async function change(
  space: Space,
  draft: Draft,
  event: LogEvent,
  { header, sender, isAdmin, about }: Judged,
  { what, text }: Pick<LateChange, 'what' | 'text'>,
): Promise<Shown> {
  const late: LateChange = { seq: event.seq, what, text, by: sender, isAdmin };
  const item = about ? ((await draft.get('items', [space.id, about.seq])) as StoredItem | undefined) : undefined;
  if (item) return alter(space, draft, item, late);
  // Its message is not loaded (yet): kept until it is.
  const key = keys.late(space.id, header.ref ? toHex(header.ref) : '');
  const before = (await draft.get('log', key)) as LateChange | undefined;
  if (!before || before.seq < event.seq) draft.put('log', key, late);
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

function alter(space: Space, draft: Draft, item: StoredItem, { what, text, by, isAdmin }: LateChange): Shown {
  const isAuthor = item.sender === by;
  if (item.body.kind !== 'text') return { items: [], gone: [] };
  if (what === 'edit') return isAuthor ? keep(space, draft, { ...item, body: { kind: 'text', text } }) : { items: [], gone: [] };
  if (!isAuthor && !isAdmin) return { items: [], gone: [] };
  draft.put('items', [space.id, item.seq], undefined);
  return { items: [], gone: [item.key] };
}
