import { describe, expect, it } from 'vitest';
import {
  deleteContent,
  encode,
  envelopeIdTime,
  fromHex,
  isPasswordLongEnough,
  makeEnvelopeId,
  messageContent,
  padme,
  passwordRoot,
  randomBytes,
  ownContent,
  reactionContent,
  readMessage,
  readOwn,
  readReaction,
  readReceipt,
  readState,
  receiptContent,
  safetyCode,
  safetyNumber,
  stateContent,
  toHex,
  type Value,
} from '../../src/crypto/protocol';
import { NOW, refusal } from './support';

const unreadable = { layer: 'envelope', code: 'UNREADABLE' };

describe('contents', () => {
  it('are read as they were made, unknown keys ignored', () => {
    expect(readMessage(new Map<number, Value>([...messageContent('hi'), [9, 'later']]))).toBe('hi');
    expect(readReaction(reactionContent('👍'))).toBe('👍');
    expect(readReceipt(receiptContent({ delivered: 9, read: 7 }))).toEqual({ delivered: 9, read: 7 });
    expect(readReceipt(new Map<number, Value>([...receiptContent({ delivered: null, read: 7 }), [9, 'later']]))).toEqual({ delivered: null, read: 7 });
    const space = randomBytes(16);
    expect(readOwn(ownContent({ space, read: 7 }))).toEqual({ space, read: 7 });
    expect([toHex(encode(receiptContent({ delivered: 300, read: 12 }))), toHex(encode(receiptContent({ delivered: null, read: null })))]).toEqual(['a20019012c010c', 'a0']);
    expect(toHex(encode(ownContent({ space: new Uint8Array(16).fill(0xab), read: 12 })))).toBe(`a20050${'ab'.repeat(16)}010c`);
    expect(toHex(encode(deleteContent()))).toBe('a0');
    const picture = { bytes: randomBytes(10), mediaType: 'image/webp' };
    expect(readState(stateContent({ title: 'Us', picture }))).toEqual({ title: 'Us', picture });
    expect(readState(stateContent({ title: 'Us', picture: null }))).toEqual({ title: 'Us', picture: null });
  });

  it('count characters and not code units', () => {
    expect(readMessage(messageContent('😀'.repeat(16_000)))).toHaveLength(32_000);
  });

  it('are refused in another shape', async () => {
    const bad: (() => unknown)[] = [
      () => messageContent('x'.repeat(16_001)),
      () => readMessage(new Map<number, Value>([[0, 1]])),
      () => readMessage(new Map()),
      () => readReceipt(new Map<number, Value>([[0, '1']])),
      () => readReceipt(new Map<number, Value>([[1, null]])),
      () => readOwn(new Map<number, Value>([[0, randomBytes(15)], [1, 1]])),
      () => readOwn(new Map<number, Value>([[0, randomBytes(16)]])),
      () => readOwn(new Map<number, Value>([[1, 1]])),
      () => stateContent({ title: 'x'.repeat(121), picture: null }),
      () => stateContent({ title: '', picture: { bytes: new Uint8Array(65_537), mediaType: 'image/webp' } }),
      () => readState(new Map<number, Value>([[0, ''], [1, fromHex('00')]])),
      () => readState(new Map<number, Value>([[0, ''], [2, 'image/webp']])),
    ];
    for (const run of bad) expect(await refusal(run)).toEqual(unreadable);
  });
});

describe('small things', () => {
  it('makes ids that tell their time', () => {
    const id = makeEnvelopeId(NOW, randomBytes(10));
    expect(envelopeIdTime(id)).toBe(NOW);
    expect([(id[6] ?? 0) >> 4, (id[8] ?? 0) >> 6]).toEqual([7, 2]);
  });

  it('takes passwords of ten characters, and no other parameters than it can pay', async () => {
    expect([isPasswordLongEnough('123456789'), isPasswordLongEnough('1234567890')]).toEqual([false, true]);
    const good = { salt: randomBytes(16), memoryKib: 65_536, iterations: 3, lanes: 1 };
    const weak = { layer: 'derivation', code: 'WEAK_PARAMETERS' };
    for (const change of [{ memoryKib: 65_535 }, { iterations: 2 }, { lanes: 2 }, { salt: randomBytes(15) }, { memoryKib: 2 ** 24 }]) {
      expect(await refusal(() => passwordRoot('1234567890', { ...good, ...change }))).toEqual(weak);
    }
    expect(await refusal(() => passwordRoot('\ud800', good))).toEqual({ layer: 'derivation', code: 'MALFORMED' });
  });

  it('shows both people the same digits and code', async () => {
    const [a, b] = [randomBytes(32), randomBytes(32)];
    expect(await safetyNumber(a, b)).toEqual(await safetyNumber(b, a));
    expect(toHex(safetyCode(a, b))).toBe(toHex(safetyCode(b, a)));
    expect(await refusal(() => safetyCode(a, a))).toEqual({ layer: 'derivation', code: 'MALFORMED' });
  });

  it('pads nothing below two', () => {
    expect([0, 1].map(padme)).toEqual([0, 1]);
  });
});
