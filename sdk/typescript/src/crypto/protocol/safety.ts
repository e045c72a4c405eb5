/** Safety numbers (e2ee.md section 12): two people read the same digits or somebody sits between them. */
import { compare, concat, type Bytes } from './bytes';
import { demand } from './errors';
import { kdf } from './labels';

const GROUPS = 12;
const GROUP_BYTES = 5;

function ordered(a: Bytes, b: Bytes): Bytes {
  demand(a.length === 32 && b.length === 32 && compare(a, b) !== 0, 'derivation', 'MALFORMED', 'A safety number is of two different IDs of 32 bytes.');
  return compare(a, b) < 0 ? concat(a, b) : concat(b, a);
}

/** 12 groups of five digits: KDF(lower ID ‖ higher ID, -, safety, [], 60), 5 bytes big-endian mod 100,000 each. */
export async function safetyNumber(a: Bytes, b: Bytes): Promise<readonly string[]> {
  const stream = await kdf(ordered(a, b), null, 'safety', [], GROUPS * GROUP_BYTES);
  return Array.from({ length: GROUPS }, (_, group) => {
    const part = stream.subarray(group * GROUP_BYTES, (group + 1) * GROUP_BYTES);
    const number = part.reduce((sum, byte) => sum * 256 + byte, 0);
    return String(number % 100_000).padStart(5, '0');
  });
}

/** What the QR code holds: both IDs, the lower first, so that both people show the same. */
export function safetyCode(a: Bytes, b: Bytes): Bytes {
  return ordered(a, b);
}
