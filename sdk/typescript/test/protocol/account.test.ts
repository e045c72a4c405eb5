/** Contents of the account space and codes of safety numbers against `sdk/vectors/account.json`. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  AccountBook, accountContent, checkAccountPin, decode, encode, openEnvelope, parseEnvelope, readAccount, readSafetyQr, safetyQr, toHex, verifyEnvelope,
  type Content, type ProtocolCode, type ProtocolLayer,
} from '../../src/crypto/protocol';
import { refusal } from './support';
import { b, chainOfJson, headOf, load, type ChainJson, type HeadJson } from './vectors';

interface Case {
  contents: string[];
  book: { members: unknown[]; spaces: unknown[]; marks: unknown[]; confirmed: boolean };
  sealed?: { envelope: string; dk: string; branch: string };
}
interface Refused {
  id: string;
  about: string;
  layer: ProtocolLayer;
  op: string;
  code: ProtocolCode;
  input: { content: string; text: string; chain: ChainJson; generation: number; pin: HeadJson & { member: string; identity: string; generation: number } };
}

const contentOf = (hex: string) => decode(b(hex)) as Content;
const ascending = <T>(rows: Map<string, T>) => [...rows.entries()].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, row]) => row);

function form(book: AccountBook): Case['book'] {
  return {
    members: ascending(book.members).map((pin) => [toHex(pin.member), toHex(pin.identity), pin.chain.n, toHex(pin.chain.hash), pin.generation]),
    spaces: ascending(book.spaces).map(({ space, roster, epoch, log }) => [space, roster.n, roster.hash, epoch.n, epoch.hash, log.n, log.hash].map((one) => (typeof one === 'number' ? one : toHex(one)))),
    marks: ascending(book.marks).map(({ member, identity, verified }) => [toHex(member), toHex(identity), verified]),
    confirmed: book.confirmed,
  };
}

describe('vectors: the account space', () => {
  it.each(load<Case>('account.json'))('$about', async ({ contents, book, sealed }) => {
    const found = new AccountBook();
    for (const content of contents) {
      const read = readAccount(contentOf(content));
      if (read) found.take(read);
      if (read && contentOf(content).size === 1) expect(toHex(encode(accountContent(read)))).toBe(content);
    }
    expect(form(found)).toEqual(book);
    if (!sealed) return;
    const envelope = await parseEnvelope(b(sealed.envelope));
    await verifyEnvelope(envelope, b(sealed.dk));
    expect(toHex(encode(await openEnvelope(envelope, b(sealed.branch))))).toBe(contents[0]);
  });

  it('keeps a mark for exactly one ID', () => {
    const book = new AccountBook();
    const [member, identity] = [b('11'.repeat(16)), b('22'.repeat(32))];
    book.take({ what: 'marks', rows: [{ member, identity, verified: true }] });
    expect([book.isVerified(toHex(member), identity), book.isVerified(toHex(member), b('33'.repeat(32)))]).toEqual([true, false]);
  });

  const { refused } = JSON.parse(readFileSync(new URL('../../../vectors/account.json', import.meta.url), 'utf8')) as { refused: Refused[] };
  const ops: Record<string, (input: Refused['input']) => unknown> = {
    'account.content': ({ content }) => readAccount(contentOf(content)),
    'account.safety': ({ text }) => readSafetyQr(text),
    'account.pin': async ({ pin, chain, generation }) => {
      checkAccountPin({ member: b(pin.member), identity: b(pin.identity), chain: headOf(pin), generation: pin.generation }, await chainOfJson(chain), generation);
    },
  };
  it.each(refused)('$id: $about', async ({ op, input, layer, code }) => {
    expect(await refusal(() => ops[op]?.(input))).toEqual({ layer, code });
  });

  it("reads the code that it shows, as a scanner hands it over", () => {
    const [one, other] = [b('aa'.repeat(32)), b('0b'.repeat(32))];
    expect(readSafetyQr(` ${safetyQr(one, other)}\n`)).toEqual([other, one]);
  });
});
