/** P and Padmé of e2ee.md section 7: lengths leak at most a few bits. */
import { concat, type Bytes } from './bytes';
import { demand } from './errors';

const LEAST = 256;
const LENGTH_BYTES = 4;

function bitLength(n: number): number {
  let bits = 0;
  for (let rest = n; rest >= 1; rest = Math.floor(rest / 2)) bits += 1;
  return bits;
}

/** Padmé(L): L rounded up to a multiple of 2^(e - bitlength(e)), e = bitlength(L) - 1. Exact up to 2^53. */
export function padme(length: number): number {
  if (length < 2) return length;
  const e = bitLength(length) - 1;
  const step = 2 ** (e - bitLength(e));
  return Math.ceil(length / step) * step;
}

/** The padded length of `length` bytes: Padmé, at least 256. */
export function paddedLength(length: number): number {
  return Math.max(LEAST, padme(length));
}

/** Whether some text has a P of this size. */
export function isPaddedSize(size: number): boolean {
  return size >= LEAST && padme(size) === size;
}

/** P = 4-byte big-endian length ‖ content ‖ zeros. */
export function pad(content: Uint8Array): Bytes {
  const out = new Uint8Array(paddedLength(LENGTH_BYTES + content.length));
  new DataView(out.buffer).setUint32(0, content.length);
  out.set(content, LENGTH_BYTES);
  return out;
}

/**
 * The content of P.
 * @throws {ProtocolError} envelope/UNREADABLE unless P is exactly what {@link pad} makes of it.
 */
export function unpad(padded: Bytes): Bytes {
  const refusal = 'This content is not padded as it must be.';
  demand(padded.length >= LEAST, 'envelope', 'UNREADABLE', refusal);
  const length = new DataView(padded.buffer, padded.byteOffset).getUint32(0);
  demand(LENGTH_BYTES + length <= padded.length, 'envelope', 'UNREADABLE', refusal);
  demand(paddedLength(LENGTH_BYTES + length) === padded.length, 'envelope', 'UNREADABLE', refusal);
  const zeros = padded.subarray(LENGTH_BYTES + length);
  demand(zeros.every((byte) => byte === 0), 'envelope', 'UNREADABLE', refusal);
  return concat(padded.subarray(LENGTH_BYTES, LENGTH_BYTES + length));
}
