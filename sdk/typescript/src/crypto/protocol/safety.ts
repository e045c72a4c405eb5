/** Safety numbers (e2ee.md section 12): two people read the same digits or somebody sits between them. */
import { compare, concat, fromBase64Url, toBase64Url, type Bytes } from './bytes';
import { demand, ProtocolError } from './errors';
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

/** What the text of the QR code begins with; {@link safetyCode} as base64url without padding follows. */
export const SAFETY_QR = 'circle-safety:';
const ID = 32;

/** The text of the QR code, the same for both members. */
export function safetyQr(a: Bytes, b: Bytes): string {
  return `${SAFETY_QR}${toBase64Url(safetyCode(a, b))}`;
}

/** The two IDs of such a text, the lower one first. @throws {ProtocolError} derivation/MALFORMED for any other text */
export function readSafetyQr(text: string): readonly [Bytes, Bytes] {
  try {
    const code = text.trim();
    const both = fromBase64Url(code.slice(SAFETY_QR.length));
    const lower = both.slice(0, ID);
    const higher = both.slice(ID);
    if (safetyQr(lower, higher) === code) return [lower, higher];
  } catch {
    // told below
  }
  throw new ProtocolError('derivation', 'MALFORMED', "This is no safety number's code.");
}
