import { fromBase64, toBase64 } from '../bytes';

const MARK = '$bytes';

/** A record as bytes: JSON, with byte strings as base64 under a mark of their own. */
export function encodeRecord(value: unknown): Uint8Array<ArrayBuffer> {
  const text = JSON.stringify(value, (_key, item: unknown) => (item instanceof Uint8Array ? { [MARK]: toBase64(item) } : item));
  return new TextEncoder().encode(text);
}

/** What encodeRecord was given. Throws a SyntaxError for anything else. */
export function decodeRecord(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(bytes), (_key, item: unknown) => {
    if (typeof item === 'object' && item !== null && MARK in item) {
      const text = item[MARK];
      return typeof text === 'string' ? fromBase64(text) : item;
    }
    return item;
  }) as unknown;
}
