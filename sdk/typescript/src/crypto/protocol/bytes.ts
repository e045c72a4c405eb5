/** Byte strings: the few helpers that every module needs. Nothing here knows of the protocol. */

/** Bytes over a plain ArrayBuffer, which is what WebCrypto accepts. */
export type Bytes = Uint8Array<ArrayBuffer>;

export const EMPTY: Bytes = new Uint8Array(0);
/** 16 zero bytes: "no device", the recovery key's place (e2ee.md sections 2 and 4). */
export const Z16: Bytes = new Uint8Array(16);
/** 32 zero bytes: "no hash before" (e2ee.md section 2). */
export const Z32: Bytes = new Uint8Array(32);

/** A copy over an ArrayBuffer of its own; use it on bytes that come from elsewhere. */
export function asBytes(source: Uint8Array | ArrayBuffer): Bytes {
  // not `instanceof`: buffers of another realm (a worker's test double, an iframe) are of another class
  return ArrayBuffer.isView(source) ? new Uint8Array(source) : new Uint8Array(source.slice(0));
}

export function concat(...parts: readonly Uint8Array[]): Bytes {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Equality whose time depends on the length alone, so it fits MACs too. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i += 1) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}

/** Bytewise order, a prefix first: negative, zero or positive. */
export function compare(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i += 1) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

export function toHex(bytes: Uint8Array): string {
  let out = '';
  for (const byte of bytes) out += byte.toString(16).padStart(2, '0');
  return out;
}

/** @throws {RangeError} for anything but an even number of hexadecimal digits. */
export function fromHex(hex: string): Bytes {
  if (hex.length % 2 !== 0 || /[^0-9a-f]/i.test(hex)) throw new RangeError('This is not hexadecimal.');
  const out = new Uint8Array(hex.length / 2);
  for (let i = 0; i < out.length; i += 1) out[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return out;
}

/** base64url without padding (RFC 4648 section 5). */
export function toBase64Url(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/**
 * Strict inverse of {@link toBase64Url}.
 * @throws {RangeError} for other characters, padding, or bits that no byte holds.
 */
export function fromBase64Url(text: string): Bytes {
  if (/[^A-Za-z0-9_-]/.test(text) || text.length % 4 === 1) throw new RangeError('This is not base64url.');
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  const out = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  if (toBase64Url(out) !== text) throw new RangeError('This is not base64url.');
  return out;
}

const encoder = new TextEncoder();

/** UTF-8 of well-formed text; the callers check well-formedness where text comes from outside. */
export function utf8(text: string): Bytes {
  return asBytes(encoder.encode(text));
}
