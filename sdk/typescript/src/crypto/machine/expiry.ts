/** Takes away what is over: lines, titles, what waits to be sent, and the keys of closed epochs (e2ee.md section 9). */
import { LIFETIMES } from '../protocol/branches';
import type { LifetimeClass } from '../../types';
import type { Context, Shown } from './context';
import type { Draft } from './draft';
import { clampLifetime } from './policy';
import { lineGone } from './positions';
import type { Queued } from './queue';
import type { Space } from './space';
import { keys, type EpochRecord, type LateChange, type LogRow, type StoredItem } from './spaceRecord';

const DAY = 86_400_000;
const HOUR = 3_600_000;
/** How far this device's clock and the server's may differ before one is called a liar. */
const SKEW = 120_000;

/** The earlier of two moments of which either may be never. */
export function earlier(one: number | null | undefined, other: number | null | undefined): number | null {
  if (one === null || one === undefined) return other ?? null;
  return other === null || other === undefined ? one : Math.min(one, other);
}

/** Acceptance + lifetime, or first sight + lifetime if that is earlier; null: it stays. */
export function deadlineOf(acceptedAt: number, b: number, now: number): number | null {
  const lifetime = LIFETIMES[b] ?? null;
  return lifetime === null ? null : Math.min(acceptedAt, now) + lifetime;
}

// ---- what is due when

/** Names what a deadline is for: a line, the bytes of an own message, a change to one that is not loaded, the title, what waits, an epoch's keys. */
export type Target = { what: 'line' | 'own'; seq: number } | { what: 'late'; id: string } | { what: 'title' } | { what: 'waiting'; key: string } | { what: 'keys'; epoch: number };

/** Sees that `sweep` looks at the target at this moment. One that was looked at too early is looked at again later. */
export function remind(space: Space, draft: Draft, at: number, target: Target): void {
  draft.put('records', keys.due(space.id, at, JSON.stringify(target)), target);
  space.record.expires = earlier(space.record.expires, at);
}

/** Deletes what is over by now. Reads what is stored, so nothing that belongs to it may be in the draft alone. */
export async function sweep(space: Space, draft: Draft, { store }: Pick<Context, 'store'>, now: number): Promise<Shown> {
  const gone: string[] = [];
  const over = await store.range('records', ...keys.dues(space.id, 0, now));
  const [next] = await store.range('records', ...keys.dues(space.id, now + 1, null), { limit: 1 });
  space.record.expires = next ? keys.dueAt(next.key) : null;
  for (const { key, value } of over) {
    draft.put('records', key, undefined);
    gone.push(...(await remove(space, draft, value as Target, now)));
  }
  return { items: [], gone };
}

async function remove(space: Space, draft: Draft, target: Target, now: number): Promise<string[]> {
  const { record } = space;
  switch (target.what) {
    case 'line': {
      const item = (await draft.get('items', [space.id, target.seq])) as StoredItem | undefined;
      if (!item || item.expiresAt === null || item.expiresAt > now) return [];
      draft.put('items', [space.id, target.seq], undefined);
      lineGone(record, target.seq);
      return [item.key];
    }
    case 'own':
      draft.put('log', keys.own(space.id, target.seq), undefined);
      return [];
    case 'late': {
      const late = (await draft.get('log', keys.late(space.id, target.id))) as LateChange | undefined;
      if (late && late.until !== null && late.until <= now) draft.put('log', keys.late(space.id, target.id), undefined);
      return [];
    }
    case 'title':
      if (record.titleUntil === null || record.titleUntil > now) return [];
      // The next title is taken like a first one, without a line that says what changed.
      Object.assign(record, { title: null, picture: null, stateSeq: 0, titleUntil: null, renewsTitle: null });
      return [];
    case 'waiting': {
      const queued = (await draft.get('outbox', target.key)) as Queued | undefined;
      const until = queued ? waitsUntil(record.lifetime, queued) : null;
      if (until === null || until > now) return [];
      draft.put('outbox', target.key, undefined);
      return [target.key];
    }
    case 'keys': {
      const epoch = await space.epoch(target.epoch);
      if (epoch) await space.keepEpoch(draft, epoch);
      return [];
    }
  }
}

/** Until when something may wait to be sent: what nobody has accepted yet lives from when it was written. */
export function waitsUntil(policy: LifetimeClass, { time, b, lifetime }: Pick<Queued, 'time' | 'b' | 'lifetime'>): number | null {
  const lasting = LIFETIMES[b ?? clampLifetime(lifetime, policy)] ?? null;
  return lasting === null ? null : time + lasting;
}

// ---- keys

/**
 * An epoch as it may be kept now, and the one before it where this one has closed it: without keys of the classes
 * b > 0 whose lifetime has passed since the close. An epoch closes with the next, or after 24 hours.
 */
export async function withinTime(space: Space, draft: Draft, epoch: EpochRecord, now: number): Promise<EpochRecord[]> {
  const known = await space.epoch(epoch.n);
  const next = await space.epoch(epoch.n + 1);
  const previous = await space.epoch(epoch.n - 1);
  // What the server says of its clock is believed only where it shortens.
  const acceptedAt = Math.min(epoch.acceptedAt, known?.acceptedAt ?? now, now);
  const closesAt = Math.min(known?.closesAt ?? acceptedAt + DAY, acceptedAt + DAY, Math.max(acceptedAt, next?.acceptedAt ?? Infinity));
  const kept = [erased(space, draft, { ...epoch, acceptedAt, closesAt }, now)];
  if (previous && previous.closesAt > acceptedAt) {
    kept.push(erased(space, draft, { ...previous, closesAt: Math.max(previous.acceptedAt, acceptedAt) }, now));
  }
  return kept;
}

function erased(space: Space, draft: Draft, epoch: EpochRecord, now: number): EpochRecord {
  const branches = epoch.branches.map((key, b) => (b > 0 && endOf(epoch, b) <= now ? null : key));
  const ends = branches.flatMap((key, b) => (key !== null && b > 0 ? [endOf(epoch, b)] : []));
  if (ends.length > 0) remind(space, draft, Math.min(...ends), { what: 'keys', epoch: epoch.n });
  return { ...epoch, branches };
}

function endOf({ closesAt }: EpochRecord, b: number): number {
  return closesAt + (LIFETIMES[b] ?? Infinity);
}

// ---- what the server says to be over

/**
 * Whether an envelope that the server no longer shows can have expired. Of one whose header was seen its deadline is
 * known; of another at least the shortest lifetime must have passed.
 */
export function mayBeOver(row: LogRow | undefined, acceptedAt: number, now: number): boolean {
  if (row?.until === undefined) return acceptedAt + HOUR <= now + SKEW;
  return row.until !== null && row.until <= now + SKEW;
}

/** Whether a moment lies before what the log has reached already, by more than clocks differ. */
export function goesBack(acceptedAt: number, reached: number): boolean {
  return acceptedAt + SKEW < reached;
}
