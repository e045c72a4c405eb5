/**
 * How far this member and the others have read, and which messages are unread: kept in the conversation's record, beside
 * the lines themselves, so that every change of a line or a mark and what follows of it are one write.
 */
import type { RecordStore } from '../../store/sealed';
import type { SpaceRecord, StoredItem } from './spaceRecord';

/** Unread messages that are remembered one by one. */
export const MOST_UNREAD = 1_000;

export interface Positions {
  /** The highest message of somebody else that this device has stored; 0: none. */
  delivered: number;
  /** Where this member joined, as far as the log was read: what lies before is history, and no news; 0: from the first. */
  joined: number;
  /** Unread messages of others that this device holds, ascending: the highest `MOST_UNREAD`. */
  fresh: number[];
  /** Below this, messages are not in `fresh` although they may be unread; 0: there was room for all. */
  freshFrom: number;
  /** The own marker as the server has it: how far other devices of this member have heard. */
  own: { version: number; read: number };
  /** The own receipt as the server has it. */
  receipt: { version: number; delivered: number; read: number };
  /** Of the other members: how far each has received and read. */
  others: [member: string, delivered: number, read: number][];
}

export function noPositions(): Positions {
  return { delivered: 0, joined: 0, fresh: [], freshFrom: 0, own: { version: 0, read: 0 }, receipt: { version: 0, delivered: 0, read: 0 }, others: [] };
}

export function positionsOf(record: SpaceRecord): Positions {
  record.positions ??= noPositions();
  return record.positions;
}

/** Of a record that an earlier version of this client has written. */
export async function recount(store: RecordStore, record: SpaceRecord, me: string): Promise<void> {
  const lines = await store.range('items', [record.space, 0], [record.space, Number.MAX_SAFE_INTEGER]);
  for (const { value } of lines) lineKept(record, value as StoredItem, me);
}

/** A message of somebody else; lines beside the log (their places are no whole numbers) are none. */
function isOthers({ body, sender, seq }: StoredItem, me: string): boolean {
  return body.kind === 'text' && sender !== me && Number.isSafeInteger(seq);
}

/** A line was stored, in the place of any before it. */
export function lineKept(record: SpaceRecord, item: StoredItem, me: string): void {
  if (!isOthers(item, me)) {
    lineGone(record, item.seq);
    return;
  }
  const { seq } = item;
  const positions = positionsOf(record);
  positions.delivered = Math.max(positions.delivered, seq);
  if (seq <= Math.max(record.lastRead, positions.joined) || seq < positions.freshFrom || positions.fresh.includes(seq)) return;
  positions.fresh.splice(positions.fresh.findLastIndex((one) => one < seq) + 1, 0, seq);
  if (positions.fresh.length <= MOST_UNREAD) return;
  positions.freshFrom = (positions.fresh.shift() ?? 0) + 1;
}

export function lineGone(record: SpaceRecord, seq: number): void {
  const { positions } = record;
  if (positions?.fresh.includes(seq)) positions.fresh = positions.fresh.filter((one) => one !== seq);
}

/** Never back. */
export function readUpTo(record: SpaceRecord, seq: number): void {
  if (seq <= record.lastRead) return;
  record.lastRead = seq;
  const positions = positionsOf(record);
  positions.fresh = positions.fresh.filter((one) => one > seq);
}

/** This member joined, or joined again, with that entry. */
export function joinedAt(record: SpaceRecord, seq: number): void {
  const positions = positionsOf(record);
  positions.joined = Math.max(positions.joined, seq);
  positions.fresh = positions.fresh.filter((one) => one > positions.joined);
}

/** Whether there may be unread messages that are not in `fresh`: not loaded, or too many to remember. */
export function isMoreUnread({ lastRead, start, hasOlder, positions }: SpaceRecord): boolean {
  const from = Math.max(lastRead, positions?.joined ?? 0) + 1;
  return from < (positions?.freshFrom ?? 0) || (hasOlder && start.n > from);
}

/** A person's decision to go on with a log that is another from this entry on: nothing above it was seen. */
export function positionsUpTo(record: SpaceRecord, seq: number): Positions {
  const { delivered, joined, fresh, freshFrom, own, receipt, others } = positionsOf(record);
  const most = (one: number) => Math.min(one, seq);
  return {
    delivered: most(delivered), joined: most(joined), fresh: fresh.filter((one) => one <= seq), freshFrom, own: { version: own.version, read: most(own.read) },
    receipt: { version: receipt.version, delivered: most(receipt.delivered), read: most(receipt.read) },
    others: others.map(([member, has, read]) => [member, most(has), most(read)]),
  };
}
