import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asBytes, decode, encode, fromHex, toHex, type Value } from '../../src/crypto/protocol';
import { bytes, fields, read, tuple, uint } from '../../src/crypto/protocol/cbor';
import { refusal } from './support';

const scalar: fc.Arbitrary<Value> = fc.oneof(
  fc.maxSafeNat(),
  fc.nat(300),
  fc.boolean(),
  fc.constant(null),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.uint8Array({ maxLength: 40 }).map(asBytes),
);
const { value } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 5 }),
    fc.array(fc.tuple(fc.nat(23), tie('value')), { maxLength: 5 }).map((entries) => new Map(entries.sort((a, b) => a[0] - b[0]))),
  ),
}));

describe('E', () => {
  it('gives back every value of the profile', () => {
    fc.assert(fc.property(value, (v) => {
      expect(decode(encode(v))).toEqual(v);
    }), { numRuns: 500 });
  });

  it('accepts no bytes whose encoding differs', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 24 }), async (raw) => {
      let found: Value;
      try {
        found = decode(raw);
      } catch {
        expect(await refusal(() => decode(raw))).toEqual({ layer: 'cbor', code: 'MALFORMED' });
        return;
      }
      expect(toHex(encode(found))).toBe(toHex(raw));
    }), { numRuns: 3_000 });
  });

  it('accepts no altered encoding that means the same', () => {
    fc.assert(fc.property(value, fc.nat(), fc.integer({ min: 1, max: 255 }), (v, at, change) => {
      const altered = encode(v);
      const place = at % altered.length;
      altered[place] = (altered[place] ?? 0) ^ change;
      let found: Value;
      try {
        found = decode(altered);
      } catch {
        return;
      }
      expect(toHex(encode(found))).toBe(toHex(altered));
    }), { numRuns: 1_500 });
  });

  const refused: readonly (readonly [string, string])[] = [
    ['keys descending', 'a2010000 00'],
    ['a key twice', 'a200000000'],
    ['a wide integer', '1817'],
    ['2^53', '1b0020000000000000'],
    ['2^64 - 1', '1bffffffffffffffff'],
    ['1.0', 'f93c00'],
    ['-1', '20'],
    ['a tag', 'c000'],
    ['a big number', 'c24101'],
    ['undefined', 'f7'],
    ['bad UTF-8', '61ff'],
    ['a surrogate in UTF-8', '63eda080'],
    ['overlong UTF-8', '62c080'],
    ['an indefinite array', '9fff'],
    ['indefinite bytes', '5f4100ff'],
    ['a trailing byte', '0000'],
    ['a text key', 'a1613000'],
    ['a bytes key', 'a1410000'],
    ['a key of 24', 'a1181800'],
    ['an array as key', 'a18000'],
    ['a simple value', 'e0'],
    ['a cut array', '8200'],
    ['a length beyond the end', '5affffffff'],
    ['nothing', ''],
    ['nine arrays', '818181818181818180'],
    ['deep nonsense', '81'.repeat(20_000) + '00'],
  ];
  it.each(refused)('refuses %s', async (_, hex) => {
    expect(await refusal(() => decode(fromHex(hex.replaceAll(' ', ''))))).toEqual({ layer: 'cbor', code: 'MALFORMED' });
  });

  it('takes eight arrays, 2^53 - 1 and a byte order mark', () => {
    expect(toHex(encode(decode(fromHex('8181818181818180'))))).toBe('8181818181818180');
    expect(decode(fromHex('1b001fffffffffffff'))).toBe(Number.MAX_SAFE_INTEGER);
    expect(decode(fromHex('64efbbbf61'))).toBe('\ufeffa');
  });

  const outside: readonly (readonly [string, unknown])[] = [
    ['a negative', -1], ['minus zero', -0], ['a fraction', 1.5], ['2^53', 2 ** 53], ['NaN', Number.NaN], ['a bigint', 1n],
    ['undefined', undefined], ['half a surrogate', '\ud800'], ['an object', { 0: 1 }], ['a text key', new Map([['0', 1]])],
    ['a key of 24', new Map([[24, 1]])], ['a date', new Date(0)],
  ];
  it.each(outside)('does not encode %s', async (_, v) => {
    expect(await refusal(() => encode(v as Value))).toEqual({ layer: 'cbor', code: 'MALFORMED' });
  });

  it('checks fields by type: a bool is no integer, nothing is missing or added', async () => {
    const reader = fields(uint(), bytes(1), tuple(uint(1)));
    const good = encode(new Map<number, Value>([[0, 1], [1, fromHex('00')], [2, [1]]]));
    expect(read(good, reader)).toEqual([1, fromHex('00'), [1]]);
    const bad: Value[] = [
      new Map<number, Value>([[0, true], [1, fromHex('00')], [2, [1]]]),
      new Map<number, Value>([[0, 1], [1, fromHex('00')]]),
      new Map<number, Value>([[0, 1], [1, fromHex('00')], [2, [1]], [3, 0]]),
      new Map<number, Value>([[0, 1], [1, fromHex('00')], [3, [1]]]),
      new Map<number, Value>([[0, 1], [1, fromHex('0000')], [2, [1]]]),
      new Map<number, Value>([[0, 1], [1, fromHex('00')], [2, [2]]]),
      new Map<number, Value>([[0, 1], [1, fromHex('00')], [2, [1, 1]]]),
      [],
    ];
    for (const v of bad) expect(await refusal(() => read(encode(v), reader))).toEqual({ layer: 'cbor', code: 'MALFORMED' });
  });
});
