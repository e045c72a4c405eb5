/**
 * E: the CBOR profile of e2ee.md section 1, on cborg.
 *
 * Unsigned integers below 2^53, byte strings, UTF-8 text, arrays, maps with keys 0 to 23, true,
 * false, null; shortest, definite, keys ascending, containers nested at most 8 deep. Decoding
 * encodes again and refuses unless the bytes are equal. The readers check the type of each field.
 */
import { decode as cborgDecode, encode as cborgEncode, Tokenizer, Type } from 'cborg';
import type { DecodeOptions, Token } from 'cborg';
import { asBytes, equal, type Bytes } from './bytes';
import { demand, ProtocolError } from './errors';

export type Value = number | string | boolean | null | Bytes | readonly Value[] | ReadonlyMap<number, Value>;

export const MAX_DEPTH = 8;
const MAX_KEY = 23;

// A byte order mark is text like any other; the decoder's default would drop it silently.
const strictText = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** cborg's tokenizer, except that text is decoded strictly instead of with replacement characters. */
class StrictTokenizer extends Tokenizer {
  override next(): Token {
    const token = super.next();
    if (Type.equals(token.type, Type.string) && token.byteValue !== undefined) {
      token.value = strictText.decode(asBytes(token.byteValue));
    }
    return token;
  }
}

function malformed(reason: string): ProtocolError {
  return new ProtocolError('cbor', 'MALFORMED', `These bytes are not in the CBOR profile: ${reason}.`);
}

function check(value: unknown, depth: number): void {
  if (value === null || typeof value === 'boolean') return;
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) || value < 0 || Object.is(value, -0)) throw malformed('a number is no integer from 0 to 2^53 - 1');
    return;
  }
  if (typeof value === 'string') {
    if (/\p{Cs}/u.test(value)) throw malformed('text is not well-formed');
    return;
  }
  if (value instanceof Uint8Array) return;
  const inside = depth + 1;
  if (inside > MAX_DEPTH) throw malformed(`nested deeper than ${MAX_DEPTH}`);
  if (Array.isArray(value)) {
    for (const item of value) check(item, inside);
    return;
  }
  if (value instanceof Map) {
    for (const [key, item] of value) {
      if (typeof key !== 'number' || !Number.isInteger(key) || key < 0 || key > MAX_KEY) throw malformed('a key is no integer from 0 to 23');
      check(item, inside);
    }
    return;
  }
  throw malformed('a value of another type');
}

/**
 * E(value).
 * @throws {ProtocolError} cbor/MALFORMED if the value is outside the profile.
 */
export function encode(value: Value): Bytes {
  check(value, 0);
  return asBytes(cborgEncode(value));
}

/**
 * The value of bytes that are exactly E(value).
 * @throws {ProtocolError} cbor/MALFORMED for everything else.
 */
export function decode(bytes: Uint8Array): Value {
  const own = asBytes(bytes);
  const options: DecodeOptions = {
    strict: true,
    useMaps: true,
    rejectDuplicateMapKeys: true,
    retainStringBytes: true,
    allowIndefinite: false,
    allowUndefined: false,
    allowInfinity: false,
    allowNaN: false,
    allowBigInt: false,
  };
  let value: unknown;
  try {
    value = cborgDecode(own, { ...options, tokenizer: new StrictTokenizer(own, options) });
  } catch {
    // cborg's messages can quote the input; say no more than that it was refused
    throw malformed('they cannot be decoded');
  }
  check(value, 0);
  const checked = value as Value;
  if (!equal(cborgEncode(checked), own)) throw malformed('they are not the shortest form');
  return checked;
}

// ---- readers: every field's type is checked by name

export type Reader<T> = (value: Value) => T;

function refuse(what: string): never {
  throw new ProtocolError('cbor', 'MALFORMED', `A field is not ${what}.`);
}

/** An integer from 0 to `max`; a boolean is none. */
export function uint(max = Number.MAX_SAFE_INTEGER, min = 0): Reader<number> {
  return (value) => (typeof value === 'number' && value >= min && value <= max ? value : refuse(`an integer from ${min} to ${max}`));
}

/** A byte string of exactly `length` bytes. */
export function bytes(length: number): Reader<Bytes> {
  return (value) => (value instanceof Uint8Array && value.length === length ? value : refuse(`a string of ${length} bytes`));
}

/** A byte string of at most `max` bytes. */
export function bytesUpTo(max: number): Reader<Bytes> {
  return (value) => (value instanceof Uint8Array && value.length <= max ? value : refuse(`a string of at most ${max} bytes`));
}

export function nullable<T>(reader: Reader<T>): Reader<T | null> {
  return (value) => (value === null ? null : reader(value));
}

/** An array of `min` to `max` items of one kind. */
export function list<T>(reader: Reader<T>, max: number, min = 0): Reader<readonly T[]> {
  return (value) => {
    if (!isList(value) || value.length > max || value.length < min) return refuse(`a list of ${min} to ${max} items`);
    return value.map(reader);
  };
}

type Read<R> = { [K in keyof R]: R[K] extends Reader<infer T> ? T : never };

/** An array of exactly these items. */
export function tuple<const R extends readonly Reader<unknown>[]>(...readers: R): Reader<Read<R>> {
  return (value) => {
    if (!isList(value) || value.length !== readers.length) return refuse(`a list of ${readers.length} items`);
    return readers.map((reader, i) => reader(value[i] as Value)) as Read<R>;
  };
}

/** A map of exactly the keys 0, 1, 2, ... in the order of the readers; missing or unknown keys are refused. */
export function fields<const R extends readonly Reader<unknown>[]>(...readers: R): Reader<Read<R>> {
  return (value) => {
    if (!(value instanceof Map) || value.size !== readers.length) return refuse(`a map of the keys 0 to ${readers.length - 1}`);
    return readers.map((reader, key) => {
      const field = (value as ReadonlyMap<number, Value>).get(key);
      return field === undefined ? refuse('there') : reader(field);
    }) as Read<R>;
  };
}

/** A map of any keys of the profile (contents: unknown keys are allowed there). */
export const anyMap: Reader<ReadonlyMap<number, Value>> = (value) => (value instanceof Map ? (value as ReadonlyMap<number, Value>) : refuse('a map'));

/** Any value of the profile. */
export const any: Reader<Value> = (value) => value;

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

/** Decodes bytes and reads them with `reader`. */
export function read<T>(source: Uint8Array, reader: Reader<T>): T {
  return reader(decode(source));
}

/** A map of the keys 0, 1, 2, ... with these values. */
export function struct(...values: readonly Value[]): ReadonlyMap<number, Value> {
  demand(values.length <= MAX_KEY + 1, 'cbor', 'MALFORMED', 'A map has keys 0 to 23.');
  return new Map(values.map((value, key) => [key, value]));
}
