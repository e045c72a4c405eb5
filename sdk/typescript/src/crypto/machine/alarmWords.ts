/** Alarms in plain words: what differs first, then what follows from it. */
import { ALARMS } from './reasons';
import type { SpaceRecord } from './spaceRecord';

export type AlarmKind = keyof typeof ALARMS;

/** The log goes on, and not from where this device is. */
export function goesElsewhere(record: SpaceRecord, seq: number): void {
  const { lost, head } = record;
  if (typeof lost !== 'number' || record.alarm === null || kindOf(record.alarm) !== 'older') {
    record.alarm ??= alarm('fork', `Entry ${seq} does not follow from entry ${seq - 1} as this device has seen it.`);
    return;
  }
  record.alarm = alarm('fork', `The server has gone on without ${lost + 1 === head.n ? `entry ${head.n}` : `the entries ${lost + 1} to ${head.n}`}, which this device has seen.`);
  record.lost = null;
}

/** The log holds all that this device has seen: what a server restored from a backup had lost is there again. */
export function isWholeAgain(record: SpaceRecord): boolean {
  if (typeof record.lost !== 'number' || record.alarm === null || kindOf(record.alarm) !== 'older') return false;
  record.alarm = null;
  record.lost = null;
  return true;
}

/** The sentence of this kind after what is known of the case. */
export function alarm(kind: AlarmKind, detail = ''): string {
  return detail === '' ? ALARMS[kind] : `${detail} ${ALARMS[kind]}`;
}

/** Of which kind an alarm's text is; null for those of a member. */
export function kindOf(text: string): AlarmKind | null {
  const kinds = Object.keys(ALARMS) as AlarmKind[];
  return kinds.find((kind) => text.endsWith(ALARMS[kind])) ?? null;
}
