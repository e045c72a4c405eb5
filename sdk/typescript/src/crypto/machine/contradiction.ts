import { equal } from '../protocol/bytes';
import type { Head } from '../protocol/signer';
import type { RecordStore } from '../../store/sealed';
import { alarm, kindOf } from './alarmWords';
import type { Space } from './space';
import type { LogRow, SpaceRecord } from './spaceRecord';

/** What a head that the server names says against the log of this device, in plain words; null where both fit. */
export async function contradictionOf({ id, record }: Space, store: RecordStore, { n, hash }: Head): Promise<string | null> {
  const { head } = record;
  if (n > head.n) return null;
  const known = n === head.n ? head : ((await store.get('log', [id, n])) as LogRow | undefined);
  if (known && !equal(known.hash, hash)) return alarm('fork', `Entry ${n} is another than this device has seen.`);
  return n === head.n ? null : alarm('older', `The server ends at entry ${n}, and this device has seen entry ${head.n}.`);
}

/** Raises it; where the server's log ends early, notes where. */
export function raise(record: SpaceRecord, text: string, n: number): void {
  record.alarm ??= text;
  if (kindOf(text) === 'older') record.lost = Math.min(record.lost ?? n, n);
}
