import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  asBytes,
  checkSealPublicKey,
  checkSigningPublicKey,
  fromBase64Url,
  fromHex,
  gcmOpen,
  gcmSeal,
  generateSealKey,
  generateSigningKey,
  padme,
  paddedLength,
  randomBytes,
  signingKeyFromSeed,
  toBase64Url,
  toHex,
  utf8,
  type SealKey,
  type SigningKey,
} from '../../src/crypto/protocol';
import { openSeal, seal, signBody, verifyBody } from '../../src/crypto/protocol/labels';
import { isPaddedSize, pad, unpad } from '../../src/crypto/protocol/padding';
import { flip, refusal } from './support';

describe('padding', () => {
  it('gives back every text', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 5_000 }), (raw) => {
      const padded = pad(raw);
      expect(padded.length).toBe(paddedLength(raw.length + 4));
      expect(isPaddedSize(padded.length)).toBe(true);
      expect(toHex(unpad(padded))).toBe(toHex(raw));
    }));
  });

  it('grows by less than an eighth, and is stable', () => {
    fc.assert(fc.property(fc.integer({ min: 256, max: 2 ** 48 }), (length) => {
      const padded = padme(length);
      expect(padded).toBeGreaterThanOrEqual(length);
      expect(padded).toBeLessThanOrEqual(length * 1.125);
      expect(padme(padded)).toBe(padded);
    }));
  });

  it('knows the formula', () => {
    expect([1, 2, 3, 8, 9, 256, 257, 1_000, 1_000_000].map(padme)).toEqual([1, 2, 3, 8, 10, 256, 272, 1_024, 1_015_808]);
  });

  it('refuses other lengths and padding', async () => {
    const good = pad(utf8('hello'));
    const longer = new Uint8Array(272);
    longer.set(good);
    const bad = [good.subarray(0, 255), longer, flip(good, 8 * 255), flip(good, 8 * 9), flip(good, 8 * 0 + 7), new Uint8Array(0)];
    for (const padded of bad) expect(await refusal(() => unpad(asBytes(padded)))).toEqual({ layer: 'envelope', code: 'UNREADABLE' });
  });
});

describe('SIG', () => {
  let key: SigningKey;
  beforeAll(async () => {
    key = await generateSigningKey();
  });

  it('makes the keys of RFC 8032', async () => {
    const known = await signingKeyFromSeed(fromHex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60'));
    expect(toHex(known.publicKey)).toBe('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a');
  });

  it('is bound to its label and body', async () => {
    const body = utf8('body');
    const signature = await signBody(key, 'roster', body);
    await verifyBody(key.publicKey, signature, 'roster', body);
    const refused = { layer: 'ed25519', code: 'FORBIDDEN' };
    expect(await refusal(() => verifyBody(key.publicKey, signature, 'epoch', body))).toEqual(refused);
    expect(await refusal(() => verifyBody(key.publicKey, signature, 'roster', utf8('bodi')))).toEqual(refused);
    expect(await refusal(() => verifyBody(key.publicKey, signature.subarray(1), 'roster', body))).toEqual(refused);
  });

  it('refuses any flipped bit of a signature', async () => {
    const body = randomBytes(100);
    const signature = await signBody(key, 'member', body);
    await fc.assert(fc.asyncProperty(fc.nat(511), async (bit) => {
      expect(await refusal(() => verifyBody(key.publicKey, flip(signature, bit), 'member', body))).toEqual({ layer: 'ed25519', code: 'FORBIDDEN' });
    }), { numRuns: 60 });
  });

  it('refuses keys that are not canonical or of small order', async () => {
    const p = 'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f';
    const bad = ['01' + '00'.repeat(31), '00'.repeat(32), p, 'ff'.repeat(32), 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', '11'];
    for (const hex of bad) expect(await refusal(() => { checkSigningPublicKey(fromHex(hex)); })).toEqual({ layer: 'ed25519', code: 'FORBIDDEN' });
  });
});

describe('SEAL', () => {
  let key: SealKey;
  beforeAll(async () => {
    key = await generateSealKey();
  });

  it('adds 1136 bytes and opens in its place alone', async () => {
    const text = randomBytes(32);
    const sealed = await seal(key.publicKey, 'grant', [1], text);
    expect(sealed.length).toBe(32 + 1136);
    expect(toHex(await openSeal(key, 'grant', [1], sealed))).toBe(toHex(text));
    const refused = { layer: 'seal', code: 'BAD_SEAL' };
    expect(await refusal(() => openSeal(key, 'grant', [2], sealed))).toEqual(refused);
    expect(await refusal(() => openSeal(key, 'media', [1], sealed))).toEqual(refused);
    const other = await generateSealKey();
    expect(await refusal(() => openSeal(other, 'grant', [1], sealed))).toEqual(refused);
    expect(await refusal(() => openSeal(key, 'grant', [1], sealed.subarray(0, 1135)))).toEqual(refused);
  });

  it('keeps seals made and opened at the same time apart', async () => {
    const keys = await Promise.all([1, 2, 3, 4].map(() => generateSealKey()));
    const texts = Array.from({ length: 24 }, () => randomBytes(32));
    const sealed = await Promise.all(texts.map((text, i) => seal((keys[i % 4] ?? key).publicKey, 'grant', [i], text)));
    const opened = await Promise.all(sealed.map((one, i) => openSeal(keys[i % 4] ?? key, 'grant', [i], one)));
    expect(opened.map(toHex)).toEqual(texts.map(toHex));
  });

  it('refuses any flipped bit', async () => {
    const sealed = await seal(key.publicKey, 'grant', [], randomBytes(32));
    await fc.assert(fc.asyncProperty(fc.nat(sealed.length * 8 - 1), async (bit) => {
      // X25519 masks the top bit of its half; the combiner binds it all the same
      expect(await refusal(() => openSeal(key, 'grant', [], flip(sealed, bit)))).toEqual({ layer: 'seal', code: 'BAD_SEAL' });
    }), { numRuns: 40 });
  });

  it('refuses keys that are none', async () => {
    const good = key.publicKey;
    const coefficient = good.slice();
    coefficient.set([0xff, 0xff, 0xff], 0);
    const zero = good.slice();
    zero.fill(0, 1184);
    const one = zero.slice();
    one[1184] = 1;
    for (const bad of [good.subarray(1), coefficient, zero, one]) {
      const refused = { layer: 'seal', code: 'MALFORMED' };
      expect(await refusal(() => { checkSealPublicKey(bad); })).toEqual(refused);
      expect(await refusal(() => seal(bad, 'grant', [], utf8('m')))).toEqual(refused);
    }
  });
});

describe('GCM and base64url', () => {
  it('opens what it sealed and nothing else', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.nat(), async (raw, bit) => {
      const [key, nonce, aad, text] = [randomBytes(32), randomBytes(12), randomBytes(5), asBytes(raw)];
      const sealed = await gcmSeal(key, nonce, aad, text);
      expect(toHex((await gcmOpen(key, nonce, aad, sealed)) ?? fromHex('ff'))).toBe(toHex(text));
      expect(await gcmOpen(key, nonce, aad, flip(sealed, bit))).toBeNull();
      expect(await gcmOpen(key, nonce, null, sealed)).toBeNull();
      expect(await gcmOpen(key, null, aad, sealed)).toBeNull();
    }), { numRuns: 50 });
  });

  it('reads base64url strictly', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (raw) => {
      expect(toHex(fromBase64Url(toBase64Url(raw)))).toBe(toHex(raw));
    }));
    for (const bad of ['A', 'AA==', 'A+', 'AB', 'Ä']) expect(() => fromBase64Url(bad)).toThrow(RangeError);
  });
});
