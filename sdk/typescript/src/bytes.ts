/** Bytes and their spellings, for the whole client. */
import type { Bytes } from './crypto/protocol/bytes';

export { compare, concat, equal, fromBase64Url, fromHex, toBase64Url, toHex, type Bytes } from './crypto/protocol/bytes';

/** Standard base64 with padding, as the API writes it. */
export function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let start = 0; start < bytes.length; start += 0x8000) text += String.fromCharCode(...bytes.subarray(start, start + 0x8000));
  return btoa(text);
}

/** The bytes of standard base64. Throws a RangeError when it is none. */
export function fromBase64(text: string): Bytes {
  let plain: string;
  try {
    plain = atob(text);
  } catch {
    throw new RangeError('This is no base64 text.');
  }
  const bytes = new Uint8Array(plain.length);
  for (let at = 0; at < plain.length; at += 1) bytes[at] = plain.charCodeAt(at);
  return bytes;
}

export function randomBytes(length: number): Bytes {
  return crypto.getRandomValues(new Uint8Array(length));
}
