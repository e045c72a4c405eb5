import { describe, expect, it } from 'vitest';
import {
  concat,
  decode,
  encode,
  entropyFromWords,
  gcmOpen,
  gcmSeal,
  h,
  inviteMac,
  joinFragment,
  kdf,
  LABELS,
  mac,
  padme,
  paddedLength,
  parseJoinFragment,
  passwordAuth,
  passwordRoot,
  passwordUnlock,
  recoveryKeys,
  safetyNumber,
  safetyQr,
  sealKeyFromSeed,
  sha256,
  signingKeyFromSeed,
  toHex,
  unwrapArchive,
  unwrapBranch,
  wordsFromEntropy,
  x,
  type Label,
} from '../../src/crypto/protocol';
import { openSeal } from '../../src/crypto/protocol/labels';
import { pad, unpad } from '../../src/crypto/protocol/padding';
import { hpkeOpen, verify } from '../../src/crypto/protocol/primitives';
import { b, headOf, load, type HeadJson } from './vectors';

describe('vectors: formulas', () => {
  it.each(load<{ data: string }>('cbor.json'))('CBOR: $about', ({ data }) => {
    expect(toHex(encode(decode(b(data))))).toBe(data);
  });

  const labels = load<{ label: Label; value: string; x: string; h: string }>('labels.json');
  it.each(labels)('label $label', async (c) => {
    expect(toHex(x(c.label, decode(b(c.value))))).toBe(c.x);
    expect(toHex(await h(c.label, decode(b(c.value))))).toBe(c.h);
  });
  it('has a vector for every label', () => {
    expect(labels.map((c) => c.label).sort()).toEqual([...LABELS].sort());
  });

  const derivations = load<{ label: Label; key: string; salt: string; value: string; length: number; output: string }>('derivations.json');
  it.each(derivations)('derivation: $about', async (c) => {
    expect(toHex(await kdf(b(c.key), b(c.salt), c.label, decode(b(c.value)), c.length))).toBe(c.output);
  });

  it.each(load<{ seed: string; key: string; message: string; signature: string }>('ed25519.json'))('Ed25519: $about', async (c) => {
    expect(toHex((await signingKeyFromSeed(b(c.seed))).publicKey)).toBe(c.key);
    await verify(b(c.key), b(c.signature), b(c.message));
  });

  it.each(load<{ seed: string; public: string; info: string; sealed: string; text: string }>('xwing.json'))('X-Wing: $about', async (c) => {
    const key = await sealKeyFromSeed(b(c.seed));
    expect(toHex(key.publicKey)).toBe(c.public);
    expect(toHex(await hpkeOpen(key, b(c.info), b(c.sealed)))).toBe(c.text);
  });

  it.each(load<{ length: number; padded: number; text?: string; p?: string }>('padding.json'))('padding: $about', (c) => {
    expect(paddedLength(4 + c.length)).toBe(c.padded);
    expect(padme(c.padded)).toBe(c.padded);
    if (c.text === undefined || c.p === undefined) return;
    expect(toHex(pad(b(c.text)))).toBe(c.p);
    expect(toHex(unpad(b(c.p)))).toBe(c.text);
  });

  it.each(load<{ entropy: string; words: string; member?: string; rsSeed?: string; rs?: string; rxSeed?: string; rx?: string }>('words.json'))('words: $about $entropy', async (c) => {
    expect(wordsFromEntropy(b(c.entropy)).join(' ')).toBe(c.words);
    expect(toHex(entropyFromWords(` ${c.words.toUpperCase()}\n`, c.member === undefined ? 12 : 24))).toBe(c.entropy);
    if (c.member === undefined) return;
    const { rs, rx } = await recoveryKeys(b(c.entropy), b(c.member));
    expect([toHex(rs.seed), toHex(rs.publicKey), toHex(rx.seed), toHex(rx.publicKey)]).toEqual([c.rsSeed, c.rs, c.rxSeed, c.rx]);
  });

  it.each(load<{ password: string; salt: string; root: string; authKey: string; member: string; device: string; unlockKey: string }>('password.json'))('password: $password', async (c) => {
    const root = await passwordRoot(c.password, { salt: b(c.salt), memoryKib: 65_536, iterations: 3, lanes: 1 });
    expect(toHex(root)).toBe(c.root);
    expect(toHex(await passwordAuth(root))).toBe(c.authKey);
    expect(toHex(await passwordUnlock(root, b(c.member), b(c.device)))).toBe(c.unlockKey);
  });

  it.each(load<{ token: string; fragment: string; secret?: string; inviter?: string; newcomer?: string; mac?: string }>('invite.json'))('invite: $about', async (c) => {
    const link = parseJoinFragment(`#${c.fragment}`);
    expect(joinFragment(link)).toBe(c.fragment);
    expect(toHex(link.token)).toBe(c.token);
    expect(link.pin === null).toBe(c.secret === undefined);
    if (link.pin === null || c.newcomer === undefined) return;
    expect([toHex(link.pin.secret), toHex(link.pin.inviter)]).toEqual([c.secret, c.inviter]);
    expect(toHex(await inviteMac(link.pin.secret, link.token, link.pin.inviter, b(c.newcomer)))).toBe(c.mac);
  });

  it.each(load<{ own: string; other: string; number: string; qr: string }>('safety.json'))('safety number: $about', async (c) => {
    expect((await safetyNumber(b(c.own), b(c.other))).join(' ')).toBe(c.number);
    expect(safetyQr(b(c.own), b(c.other))).toBe(c.qr);
  });

  interface Rewrap {
    what: string; newer?: string; member: string; generation?: number; archive?: string; wrap: string;
    key?: string; space?: string; epoch?: HeadJson; b?: number; commits?: string[]; branch?: string;
  }
  it.each(load<Rewrap>('rewrap.json'))('rewrap: $about', async (c) => {
    if (c.what === 'archive') {
      const { newer = '', generation = 0, archive = '' } = c;
      expect(toHex(await unwrapArchive(b(newer), b(c.member), generation, b(c.wrap)))).toBe(archive);
      return;
    }
    const { key = '', space = '', epoch = { n: 0, hash: '' }, b: branch = 0, commits = [] } = c;
    const place = { space: b(space), epoch: headOf(epoch), branch };
    expect(toHex(await unwrapBranch(b(key), b(c.member), place, b(c.wrap), commits.map(b)))).toBe(c.branch);
  });

  interface Later {
    what: string; key: string; nonce: string; version: string; index: number; count: number; part: string; chunk: string;
    id: string; text: string; box: string; seed: string; value: string; base: string; sealed: string;
    k: string; request: string; requestMac: string; answer: string; answerMac: string;
  }
  it.each(load<Later>('later.json'))('of later sections: $about', async (c) => {
    switch (c.what) {
      case 'chunk': {
        const sealed = await gcmSeal(b(c.key), b(c.nonce), x('chunk', [b(c.version), c.index, c.count]), b(c.part));
        expect(c.nonce + toHex(sealed)).toBe(c.chunk);
        break;
      }
      case 'share':
        expect(toHex((await gcmOpen(b(c.key), null, x('share', [b(c.id)]), b(c.box))) ?? b(''))).toBe(c.text);
        break;
      case 'media':
        expect(toHex(await openSeal(await sealKeyFromSeed(b(c.seed)), 'media', decode(b(c.value)), b(c.sealed)))).toBe(c.base);
        break;
      default: {
        expect(c.what).toBe('link');
        const [request, answer] = [b(c.request), b(c.answer)];
        expect(toHex(await mac(await kdf(b(c.k), null, 'link-request', [], 32), request))).toBe(c.requestMac);
        const bound = concat(await sha256(request), answer);
        expect(toHex(await mac(await kdf(b(c.k), null, 'link-answer', [], 32), bound))).toBe(c.answerMac);
      }
    }
  });
});
