/** A person who began anew: the line that says so, in the log's place or, before the log tells it, after its newest entry. */
import { toHex } from '../protocol/bytes';
import type { RosterStatement } from '../protocol/roster';
import type { Signer } from '../protocol/signer';
import type { Context, Shown } from './context';
import type { Draft } from './draft';
import { keep } from './lines';
import type { Space } from './space';
import { noticeItem, type StoredItem } from './spaceRecord';
import type { LogEvent } from './wire';

/** The log tells the reset with the member's link `n`: the line stands there, and no longer where it was noticed. */
export function resetTold(space: Space, draft: Draft, { seq, acceptedAt }: LogEvent, member: string, n: number): Shown {
  const { record } = space;
  const { items } = keep(space, draft, noticeItem(seq, acceptedAt, { what: 'reset', by: member }, record.current?.n ?? 0));
  const earlier = (record.noticed ?? []).filter((one) => one.member === member && one.n === n);
  for (const one of earlier) draft.put('items', [space.id, one.seq], undefined);
  record.noticed = (record.noticed ?? []).filter((one) => !earlier.includes(one));
  return { items, gone: earlier.map((one) => noticedKey(one.member, one.n)) };
}

/** The member's chain tells the reset and the log has not (yet): the line stands after the newest entry. */
export async function resetNoticed(space: Space, draft: Draft, member: string, n: number): Promise<Shown> {
  const { record } = space;
  const isTold = record.marks.some((mark) => mark.member === member && (mark.n ?? -1) >= n);
  if (isTold || record.noticed?.some((one) => one.member === member && one.n === n)) return { items: [], gone: [] };
  // Whoever the keys in use were made for is looked at again before anything more is sent.
  record.checked = 0;
  const seq = await besideHead(space, draft);
  const line: StoredItem = { ...noticeItem(seq, Date.now(), { what: 'reset', by: member }, record.current?.n ?? 0), key: noticedKey(member, n) };
  record.noticed = [...(record.noticed ?? []), { member, n, seq }];
  return keep(space, draft, line);
}

/** A free place between the newest entry and the next one. */
async function besideHead(space: Space, draft: Draft): Promise<number> {
  let seq = space.head.n;
  do seq += (space.head.n + 1 - seq) / 2;
  while ((await draft.get('items', [space.id, seq])) !== undefined);
  return seq;
}

function noticedKey(member: string, n: number): string {
  return `reset:${member}:${n}`;
}

/** Whom this member lets in, this member has accepted, on every device that reads of it. */
export function acceptAdded({ people, keyring }: Context, draft: Draft, signer: Signer, statement: RosterStatement): void {
  if (statement.kind === 1 && toHex(signer.member) === keyring.member && people.isChanged(toHex(statement.member))) draft.add(people.accept(toHex(statement.member)));
}

/** Whether an item stands in the log, and not beside it. */
export function isOfLog({ seq }: StoredItem): boolean {
  return Number.isInteger(seq);
}

