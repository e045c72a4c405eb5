/** Linking (e2ee.md section 8): the vectors, what must be refused, and bytes of strangers. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  generateLinkKey,
  kdf,
  linkId,
  linkKeyOf,
  linkQr,
  linkWords,
  mac,
  makeLinkAnswer,
  makeLinkRequest,
  parseLinkAnswer,
  parseLinkRequest,
  ProtocolError,
  toHex,
  verifyLinkAnswer,
  verifyLinkRequest,
  type Bytes,
  type ProtocolCode,
  type ProtocolLayer,
} from '../../src/crypto/protocol';
import { mutations } from './mutations';
import { ops, type Input } from './ops';
import { flip, refusal } from './support';
import { b, headOf, load, signedOf, type HeadJson, type SignedJson } from './vectors';

interface Case {
  k: string; words: string; linkId: string; member: string; device: string; dk: string; deviceSeal: SignedJson;
  request: string; requestMac: string; box: string; chain: HeadJson; account: HeadJson; answer: string; answerMac: string;
}
interface Refused { id: string; about: string; layer: ProtocolLayer; op: string; code: ProtocolCode; input: Input }

const cases = load<Case>('linking.json');
const { refused } = JSON.parse(readFileSync(new URL('../../../vectors/linking.json', import.meta.url), 'utf8')) as { refused: Refused[] };

describe('linking vectors', () => {
  it.each(cases)('$about', async (c) => {
    const k = b(c.k);
    expect(linkWords(k).join(' ')).toBe(c.words);
    expect(toHex(linkKeyOf(`  ${c.words.toUpperCase().replaceAll(' ', '  ')} `))).toBe(c.k);
    expect(toHex(linkKeyOf(linkQr(k)))).toBe(c.k);
    expect(toHex(await linkId(k))).toBe(c.linkId);
    const made = await makeLinkRequest(k, { member: b(c.member), device: b(c.device), dk: b(c.dk), deviceSeal: signedOf(c.deviceSeal) });
    expect([toHex(made.body), toHex(made.mac)]).toEqual([c.request, c.requestMac]);
    const request = await verifyLinkRequest(k, made, b(c.member));
    expect([toHex(request.device), toHex(request.dk), request.seal.k]).toEqual([c.device, c.dk, 1]);
    const answer = { box: b(c.box), chain: headOf(c.chain), account: headOf(c.account) };
    const answered = await makeLinkAnswer(k, made.body, answer);
    expect([toHex(answered.body), toHex(answered.mac)]).toEqual([c.answer, c.answerMac]);
    expect(await verifyLinkAnswer(k, made.body, answered)).toEqual(answer);
  });

  it.each(refused)('$id: $about', async ({ op, input, layer, code }) => {
    const run = ops[op];
    if (run === undefined) throw new Error(`There is no op ${op}.`);
    expect(await refusal(() => run(input))).toEqual({ layer, code });
  });
});

describe('a code', () => {
  it('is read back from words and from a QR code, whatever it is', () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (data) => {
      const key = Uint8Array.from(data);
      expect(toHex(linkKeyOf(linkWords(key).join(' ')))).toBe(toHex(key));
      expect(toHex(linkKeyOf(`\n${linkQr(key)} `))).toBe(toHex(key));
    }), { numRuns: 200 });
  });

  it('is nothing else than twelve words or the text of the QR code', () => {
    const words = linkWords(generateLinkKey());
    const near = fc.constantFrom(
      words.slice(1).join(' '), [...words, 'able'].join(' '), [...words].reverse().join(' ') + 'x', 'circle-link:', 'circle-link:AAAA', 'CIRCLE-LINK:AAAAAAAAAAAAAAAAAAAAAA',
      'circle-link:AAAAAAAAAAAAAAAAAAAAAA==', 'circle-link:AAAAAAAAAAAAAAAAAAAAAB', 'https://circle.example/circle-link:AAAAAAAAAAAAAAAAAAAAAA',
    );
    fc.assert(fc.property(fc.oneof(near, fc.string({ maxLength: 120 }), fc.string({ maxLength: 40 }).map((text) => `circle-link:${text}`)), (text) => {
      let key: Bytes;
      try {
        key = linkKeyOf(text);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
        expect((error as ProtocolError).code).toBe('BAD_WORDS');
        return;
      }
      expect(linkQr(key)).toBe(text.trim());
    }), { numRuns: 2_000 });
  });
});

/** A MAC that fits, as only one could make it who holds k. */
async function tagged(k: Bytes, body: Bytes): Promise<{ body: Bytes; mac: Bytes }> {
  return { body, mac: await mac(await kdf(k, null, 'link-request', [], 32), body) };
}

describe('bytes of strangers', () => {
  const [first] = cases;
  if (first === undefined) throw new Error('There is a case.');
  const [k, member, request, answer] = [b(first.k), b(first.member), b(first.request), b(first.answer)];

  it('are no request, even with a MAC that fits', async () => {
    await fc.assert(fc.asyncProperty(mutations(request), async (data) => {
      const body = Uint8Array.from(data);
      const isSame = toHex(body) === first.request;
      try {
        await verifyLinkRequest(k, await tagged(k, body), member);
        expect(isSame).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
        expect(isSame).toBe(false);
      }
    }), { numRuns: 300, interruptAfterTimeLimit: 8_000, markInterruptAsFailure: false });
  });

  it.each([['request', parseLinkRequest, request], ['answer', parseLinkAnswer, answer]] as const)('are read as a %s only in its one encoding', async (what, parse, original) => {
    await fc.assert(fc.asyncProperty(mutations(original), async (data) => {
      const body = Uint8Array.from(data);
      let found;
      try {
        found = parse(body);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
        return;
      }
      const again = what === 'request' ? await makeLinkRequest(k, found as ReturnType<typeof parseLinkRequest>) : await makeLinkAnswer(k, request, found as ReturnType<typeof parseLinkAnswer>);
      expect(toHex(again.body)).toBe(toHex(body));
    }), { numRuns: 600 });
  });

  it('with the MAC of other bytes are neither request nor answer', async () => {
    await fc.assert(fc.asyncProperty(fc.nat(8 * 4_000), async (bit) => {
      const asked = { body: flip(request, bit), mac: b(first.requestMac) };
      expect(await refusal(() => verifyLinkRequest(k, asked, member))).toEqual({ layer: 'link', code: 'BAD_LINK' });
      const given = { body: flip(answer, bit), mac: b(first.answerMac) };
      expect(await refusal(() => verifyLinkAnswer(k, request, given))).toEqual({ layer: 'link', code: 'BAD_LINK' });
    }), { numRuns: 60 });
  });
});
