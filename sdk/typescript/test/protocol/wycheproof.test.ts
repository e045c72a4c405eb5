/** Wycheproof's vectors (sdk/vectors/wycheproof) through the protocol core's primitives, and the libraries below. */
import { readFileSync } from 'node:fs';
import { HkdfSha256, X25519 } from '@hpke/dhkem-x25519';
import { createMlKem768 } from 'mlkem';
import { describe, expect, it } from 'vitest';
import { checkSealPublicKey, concat, fromHex, gcmOpen, gcmSeal, ProtocolError, sealKeyFromSeed, toHex, type Bytes } from '../../src/crypto/protocol';
import { hkdf, hpkeOpen, hpkeSeal, verify } from '../../src/crypto/protocol/primitives';

type Case = { tcId: number; flags: string[]; result: 'valid' | 'invalid' | 'acceptable'; size?: number } & Record<string, unknown>;

/** Wycheproof calls these acceptable; e2ee.md section 1 refuses keys of small order. */
const SMALL_ORDER_KEYS = range(152, 160);
/** ... and these: a point of full order with torsion in it. Verified without cofactor they hold, so they are accepted. */
const MIXED_ORDER_KEYS = range(160, 181);

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

function vectors(name: string): Case[] {
  const url = new URL(`../../../vectors/wycheproof/${name}.json`, import.meta.url);
  const { testGroups } = JSON.parse(readFileSync(url, 'utf8')) as { testGroups: ({ tests: Case[] } & Record<string, unknown>)[] };
  return testGroups.flatMap(({ tests, ...group }) => tests.map((one) => ({ ...group, ...one })));
}

function bytes(one: Case, field: string): Bytes {
  return fromHex(String(one[field]));
}

async function isAccepted(work: () => unknown): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError);
    return false;
  }
}

describe('Wycheproof', () => {
  it('AES-256-GCM', async () => {
    const all = vectors('aes_256_gcm');
    expect(all).toHaveLength(66);
    for (const one of all) {
      const [key, iv, aad, text] = [bytes(one, 'key'), bytes(one, 'iv'), bytes(one, 'aad'), bytes(one, 'msg')];
      const sealed = concat(bytes(one, 'ct'), bytes(one, 'tag'));
      const isValid = one.result === 'valid';
      expect(await gcmOpen(key, iv, aad, sealed), String(one.tcId)).toEqual(isValid ? text : null);
      if (isValid) expect(await gcmSeal(key, iv, aad, text), String(one.tcId)).toEqual(sealed);
    }
  });

  it('HKDF-SHA256', async () => {
    const all = vectors('hkdf_sha256');
    expect(all).toHaveLength(86);
    for (const one of all) {
      const derived = hkdf(bytes(one, 'ikm'), bytes(one, 'salt'), bytes(one, 'info'), one.size ?? 0);
      if (one.result === 'valid') expect(toHex(await derived), String(one.tcId)).toBe(one['okm']);
      else await expect(derived, String(one.tcId)).rejects.toThrow();
    }
  });

  it('Ed25519, with the stricter reading of keys listed', async () => {
    const accepted: number[] = [];
    const refused: number[] = [];
    for (const one of vectors('ed25519')) {
      const isTaken = await isAccepted(() => verify(bytes(one, 'publicKey'), bytes(one, 'sig'), bytes(one, 'msg')));
      if (one.result === 'acceptable') (isTaken ? accepted : refused).push(one.tcId);
      else expect(isTaken, String(one.tcId)).toBe(one.result === 'valid');
    }
    expect(refused).toEqual(SMALL_ORDER_KEYS);
    expect(accepted).toEqual(MIXED_ORDER_KEYS);
  });

  it('X25519: what gives no secret is refused as half of a key and of a seal', async () => {
    const own = await sealKeyFromSeed(new Uint8Array(32).fill(7));
    const sealed = await hpkeSeal(own.publicKey, new Uint8Array(1), new Uint8Array(5));
    const zero = new Set(vectors('x25519').filter(({ flags }) => flags.includes('ZeroSharedSecret')).map((one) => String(one['public'])));
    expect(zero.size).toBeGreaterThan(10);
    for (const half of zero) {
      expect(() => { checkSealPublicKey(concat(own.publicKey.subarray(0, 1184), fromHex(half))); }, half).toThrow(ProtocolError);
      const altered = concat(sealed.subarray(0, 1088), fromHex(half), sealed.subarray(1120));
      await expect(hpkeOpen(own, new Uint8Array(1), altered), half).rejects.toMatchObject({ code: 'BAD_SEAL' });
    }
    for (const one of vectors('x25519').filter(({ flags }) => !flags.includes('ZeroSharedSecret'))) {
      checkSealPublicKey(concat(own.publicKey.subarray(0, 1184), bytes(one, 'public')));
    }
  });

  it('X25519: secrets', async () => {
    const curve = new X25519(new HkdfSha256());
    for (const one of vectors('x25519').filter(({ flags }) => !flags.includes('ZeroSharedSecret'))) {
      expect(toHex(await curve.derive(bytes(one, 'private'), bytes(one, 'public'))), String(one.tcId)).toBe(one['shared']);
    }
  });

  it('ML-KEM-768: encapsulation keys', async () => {
    const half = (await sealKeyFromSeed(new Uint8Array(32).fill(7))).publicKey.subarray(1184);
    for (const one of vectors('mlkem_768_encaps')) {
      const isTaken = await isAccepted(() => { checkSealPublicKey(concat(bytes(one, 'ek'), half)); });
      expect(isTaken, String(one.tcId)).toBe(one.result === 'valid');
    }
  });

  it('ML-KEM-768: decapsulation', async () => {
    const kem = await createMlKem768();
    for (const one of vectors('mlkem_768_decaps')) {
      const work = () => {
        const [publicKey, privateKey] = kem.deriveKeyPair(bytes(one, 'seed'));
        expect(toHex(publicKey), String(one.tcId)).toBe(one['ek']);
        return toHex(kem.decap(bytes(one, 'c'), privateKey));
      };
      if (one.result === 'valid') expect(work(), String(one.tcId)).toBe(one['K']);
      else expect(work, String(one.tcId)).toThrow();
    }
  });
});
