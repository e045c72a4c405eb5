/** Alarms in plain words: what differs first, then what follows from it. */
import { ALARMS } from './reasons';

export type AlarmKind = keyof typeof ALARMS;

/** The sentence of this kind after what is known of the case. */
export function alarm(kind: AlarmKind, detail = ''): string {
  return detail === '' ? ALARMS[kind] : `${detail} ${ALARMS[kind]}`;
}

/** Of which kind an alarm's text is; null for those of a member. */
export function kindOf(text: string): AlarmKind | null {
  const kinds = Object.keys(ALARMS) as AlarmKind[];
  return kinds.find((kind) => text.endsWith(ALARMS[kind])) ?? null;
}
