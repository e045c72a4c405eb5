/** A conversation from what the server shows now, after a person's decision: earlier pins give way, the evidence stays. */
import { CircleFailure } from '../../errors';
import { equal } from '../protocol/bytes';
import { parseAnnouncement } from '../protocol/epoch';
import type { Context, Shown } from './context';
import type { Draft } from './draft';
import { remind } from './expiry';
import { openSnapshot } from './history';
import { keep } from './lines';
import { positionsUpTo } from './positions';
import type { Queued } from './queue';
import type { Space } from './space';
import { keys, noticeItem, type EnvelopeRow, type LateChange, type StoredItem } from './spaceRecord';
import type { EpochBytes, Notice, Snapshot } from './wire';

/** Of what is no longer in the log, at most this many entries are kept as evidence. */
const EVIDENCE = 1_000;

/**
 * Entries up to `common` are the same on both sides. Throws UNVERIFIED where what the server shows does not verify; the
 * draft is then worth nothing.
 */
export async function accepted(context: Context, draft: Draft, before: Space, common: number, snapshot: Snapshot): Promise<{ space: Space; shown: Shown }> {
  await keepEvidence(context, draft, before, common, snapshot);
  const lost = await linesAbove(context, before, common);
  await forgetLog(context, draft, before, common, snapshot.epoch);
  const { record } = before;
  const known = { ...record, alarm: null, lastRead: Math.min(record.lastRead, snapshot.head), positions: positionsUpTo(record, common), ...(record.stateSeq > common ? { stateSeq: 0 } : {}) };
  const { space, shown } = await openSnapshot(context, draft, snapshot, null, true, { record: known, dropped: before.dropped });
  if (space.record.alarm !== null) throw new CircleFailure('UNVERIFIED', `What the server shows now cannot be taken over either. ${space.record.alarm}`);
  await resealWaiting(context, draft, space.id);
  const beside = await setAside(context, draft, space, common, lost);
  return { space, shown: { items: [...shown.items, ...beside], gone: lost.map(({ key }) => key).filter((key) => !shown.items.some((item) => item.key === key)) } };
}

/** What the two sides said when the person decided. */
async function keepEvidence({ store }: Context, draft: Draft, { id, record }: Space, common: number, snapshot: Snapshot): Promise<void> {
  const rows = await store.range('log', [id, common + 1], [id, Number.MAX_SAFE_INTEGER], { limit: EVIDENCE, newestFirst: true });
  const { alarm, head, rosterHead, current } = record;
  draft.put('records', `evidence:${id}:${Date.now()}`, {
    alarm, common, here: { head, rosterHead, current, log: rows.map(({ key, value }) => ({ seq: key[1], value })) },
    there: { head: snapshot.head, headHash: snapshot.headHash, rosterLinks: snapshot.rosterLinks.length, epoch: snapshot.epoch?.announcement ?? null },
    links: (await store.range('records', ...keys.links(id))).map(({ value }) => value),
  });
}

async function linesAbove({ store }: Context, { id }: Space, common: number): Promise<StoredItem[]> {
  const found = await store.range('items', [id, common + 1], [id, Number.MAX_SAFE_INTEGER]);
  return found.map(({ value }) => value as StoredItem);
}

/** Roster, epochs and log of after the common entry, as if they had never been seen. */
async function forgetLog({ store }: Context, draft: Draft, before: Space, common: number, offered: EpochBytes | null): Promise<void> {
  const { id, record } = before;
  for (const { key } of await store.range('records', ...keys.links(id))) draft.put('records', key, undefined);
  for (const { key } of await store.range('log', [id, common + 1], [id, Number.MAX_SAFE_INTEGER])) draft.put('log', key, undefined);
  // Items and envelopes by name, changes of what was not loaded, own entries: each tells its place in the log.
  for (const { key, value } of await store.range('log', [id, 'e:'], [id, 'p'])) if (placeOf(key[1], value) > common) draft.put('log', key, undefined);
  for (const { key } of await store.range('items', [id, common + 1], [id, Number.MAX_SAFE_INTEGER])) draft.put('items', key, undefined);
  for (const [n, seq] of record.epochSeqs) if (seq > common) before.dropEpoch(draft, n);
  if (offered === null) return;
  // Announced before the stretch that is known here, and another there.
  const known = await before.epoch(offered.number);
  if (known && !equal(known.hash, (await parseAnnouncement(offered.announcement)).epoch.hash)) before.dropEpoch(draft, offered.number);
}

function placeOf(name: number | string | undefined, value: unknown): number {
  const what = String(name).slice(0, 2);
  if (what === 'i:') return value as number;
  if (what === 'm:' || what === 'e:') return (value as EnvelopeRow | LateChange).seq;
  return what === 'o:' ? Number(String(name).slice(2)) : 0;
}

/** Sealed on a log that is no longer there: sealed anew, under the same id. */
export async function resealWaiting({ store }: Context, draft: Draft, space: string): Promise<void> {
  for (const { key, value } of await store.range('outbox', '', '~')) {
    const queued = value as Queued;
    if (queued.space === space && queued.envelope !== null) draft.put('outbox', key, { ...queued, envelope: null, item: null } satisfies Queued);
  }
}

/** Lines that are no longer in the log stand between the common entry and the next one, and say so. */
async function setAside({ store, keyring }: Context, draft: Draft, space: Space, common: number, lost: readonly StoredItem[]): Promise<StoredItem[]> {
  const again = new Set((await Promise.all(lost.map(async (item) => ((await isShown(draft, space, idOf(item))) ? item.seq : null)))).filter((seq) => seq !== null));
  const own = lost.filter(({ body, seq }) => body.kind === 'text' && !again.has(seq)).map((item) => ({ ...item, key: idOf(item) }));
  if (own.length === 0) return [];
  const earlier = await store.range('items', [space.id, common], [space.id, common + 1], { isOpen: true });
  const from = Math.max(common, ...earlier.map(({ value }) => (value as StoredItem).seq));
  const step = (common + 1 - from) / (own.length + 3);
  const edge = (what: 'kept' | 'kept-end', place: number, time: number): StoredItem => {
    const notice: Notice = { what, by: keyring.member, count: own.length };
    return { ...noticeItem(from + step * place, time, notice, 0), key: `${what}:${from + step * place}` };
  };
  const [first, last] = [own[0], own.at(-1)];
  const lines = own.map((item, index) => ({ ...item, key: `kept:${item.key}`, seq: from + step * (index + 2) }));
  for (const { seq, expiresAt } of lines) if (expiresAt !== null) remind(space, draft, expiresAt, { what: 'line', seq });
  const ids = new Set(own.map(({ key }) => key));
  space.record.kept = [...(space.record.kept ?? []).filter(([id]) => !ids.has(id)), ...lines.map(({ key, seq }): [string, number] => [key.slice('kept:'.length), seq])];
  const all = [edge('kept', 1, first?.time ?? 0), ...lines, edge('kept-end', own.length + 2, last?.time ?? 0)];
  for (const item of all) keep(space, draft, item);
  return all;
}

/** The message's own id, also of a line that was set aside before. */
function idOf({ key }: StoredItem): string {
  return key.replace(/^kept:/, '');
}

/** Whether the log that was taken over holds the message of a line as well. */
async function isShown(draft: Draft, space: Space, key: string): Promise<boolean> {
  return ((await draft.get('log', keys.envelope(space.id, key))) as EnvelopeRow | undefined) !== undefined;
}
