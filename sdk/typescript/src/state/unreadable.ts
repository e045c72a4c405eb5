/** The stable codes of why a message is not shown. What is kept on this device, and shown, are the sentences. */
import { REASONS } from '../crypto/machine/reasons';
import type { UnreadableCode } from '../types';

const CODES: Record<keyof typeof REASONS, UnreadableCode> = {
  noKey: 'NO_KEY',
  leftOut: 'LEFT_OUT',
  beforeJoining: 'BEFORE_JOINING',
  changed: 'CHANGED',
  twice: 'REPEATED',
  late: 'TOO_LATE',
  stranger: 'NOT_THE_SENDER',
  notAllowed: 'NOT_ALLOWED',
  fork: 'OTHER_HISTORY',
  newer: 'NEWER_VERSION',
};

const NAMES = Object.keys(REASONS) as (keyof typeof REASONS)[];
const BY_SENTENCE = new Map<string, UnreadableCode>(NAMES.map((name) => [REASONS[name], CODES[name]]));

/** The code of a sentence of the machine's; of one that an earlier version kept, the code of keys that may still come. */
export function unreadableCode(reason: string): UnreadableCode {
  return BY_SENTENCE.get(reason) ?? 'NO_KEY';
}
