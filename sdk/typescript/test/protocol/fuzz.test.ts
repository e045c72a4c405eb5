/** Fuzzing of everything that takes bytes of strangers: refused with a ProtocolError, or byte for byte the original. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode, encode, fromHex, joinFragment, parseComplaint, parseJoinFragment, ProtocolError, toHex, type Bytes } from '../../src/crypto/protocol';
import { verifyBody } from '../../src/crypto/protocol/labels';
import { mutations } from './mutations';
import { ops, type Input } from './ops';
import { load } from './vectors';

type Json = Record<string, unknown>;

interface Target {
  name: string;
  original: Bytes;
  take: (data: Bytes) => unknown;
}

/** One hex field of an op's input: the op is run with it changed. */
function target(name: string, op: string, input: Json, ...path: string[]): Target {
  return {
    name: `${name}: ${path.join('.')}`,
    original: fromHex(String(path.reduce<unknown>((at, key) => (at as Json)[key], input))),
    take: (data) => ops[op]?.(set(input, path, toHex(data)) as Input),
  };
}

function set(value: unknown, [first, ...rest]: string[], hex: string): unknown {
  if (first === undefined) return hex;
  if (Array.isArray(value)) return value.map((item: unknown, index) => (String(index) === first ? set(item, rest, hex) : item));
  return { ...(value as Json), [first]: set((value as Json)[first], rest, hex) };
}

function* all(): Generator<Target> {
  for (const { chain } of load<{ chain: { links: unknown[] } }>('member.json').slice(-1)) {
    for (const n of chain.links.keys()) {
      const links = chain.links.slice(0, n + 1);
      yield target(`member link ${n}`, 'member.chain', { chain: { ...chain, links }, pin: null }, 'chain', 'links', String(n), 'body');
      yield target(`member link ${n}`, 'member.chain', { chain: { ...chain, links }, pin: null }, 'chain', 'links', String(n), 'signature');
    }
  }
  const [person] = load<{ chain: unknown; keys: { key: unknown }[] }>('member.json');
  for (const part of ['body', 'signature']) yield target('member key', 'member.key', { chain: person?.chain, key: person?.keys[0]?.key, known: 0 }, 'key', part);
  const [keys] = load<{ deviceSeals: Json[]; boxes: Json[] }>('member_key.json');
  for (const part of ['body', 'signature']) yield target('device seal', 'member.deviceSeal', { ...keys?.deviceSeals[0], known: 0 }, 'seal', part);
  yield target('member box', 'seal.box', { ...keys?.boxes[0] }, 'box');
  const [roster] = load<{ space: string; links: unknown[]; chains: unknown }>('roster.json');
  for (const n of (roster?.links ?? []).keys()) {
    const input = { ...roster, links: roster?.links.slice(0, n + 1), newest: null };
    for (const part of ['body', 'signature']) yield target(`roster link ${n}`, 'roster.chain', input, 'links', String(n), part);
  }
  const [epoch] = load<{ announcement: { body: string }; members: Json[] } & Json>('epoch.json');
  for (const part of ['body', 'signature']) yield target('announcement', 'epoch.verify', { ...epoch }, 'announcement', part);
  const own = { ...epoch, ...epoch?.members[0], announcement: epoch?.announcement.body };
  for (const part of ['recipients', 'seal']) yield target('epoch', 'epoch.open', own, part);
  const [grant] = load<Json>('grant.json');
  yield target('grant', 'grant.open', { ...grant }, 'sealed');
  for (const one of load<Json>('envelope.json').slice(0, 4)) yield target(`envelope (${one.about})`, 'envelope.open', one, 'data');
  for (const wrap of load<{ what: string } & Json>('rewrap.json').slice(0, 4)) yield target(`${wrap.what} wrap`, `wrap.${wrap.what}`, wrap, 'wrap');
  const [invite] = load<Json>('invite.json');
  yield target('invite', 'derivation.invite', { ...invite }, 'mac');
  const [said] = load<{ complaint: { body: string; signature: string }; dk: string }>('complaint.json');
  const [body, signature] = [fromHex(said?.complaint.body ?? ''), fromHex(said?.complaint.signature ?? '')];
  const complain = async (data: Bytes, signed: Bytes) => {
    await parseComplaint(data);
    await verifyBody(fromHex(said?.dk ?? ''), signed, 'complaint', data);
  };
  yield { name: 'complaint: body', original: body, take: (data) => complain(data, signature) };
  yield { name: 'complaint: signature', original: signature, take: (data) => complain(body, data) };
}

async function isTaken(take: () => unknown): Promise<boolean> {
  try {
    await take();
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError);
    return false;
  }
}

describe('what is not the original is refused', () => {
  it.each([...all()])('$name', async ({ original, take }) => {
    await take(original);
    await fc.assert(
      fc.asyncProperty(mutations(original), async (data) => {
        expect(await isTaken(() => take(Uint8Array.from(data)))).toBe(toHex(data) === toHex(original));
      }),
      { numRuns: 150, interruptAfterTimeLimit: 8_000, markInterruptAsFailure: false },
    );
  });
});

describe('bytes of nobody', () => {
  it('that are taken as CBOR are their own encoding', () => {
    const near = load<{ data: string }>('cbor.json').map(({ data }) => mutations(fromHex(data)));
    fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), ...near), (data) => {
      let value;
      try {
        value = decode(Uint8Array.from(data));
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
        return;
      }
      expect(toHex(encode(value))).toBe(toHex(data));
    }), { numRuns: 3_000 });
  });

  it('neither hang nor overflow by nesting or by great lengths', () => {
    const opening = fc.constantFrom('81', 'a100', '9f', 'bf00', 'c1', '5f', '9bffffffffffffffff', '5affffffff', 'bbffffffffffffffff');
    fc.assert(fc.property(fc.integer({ min: 1, max: 5_000 }), opening, (depth, hex) => {
      expect(() => decode(fromHex(hex.repeat(depth)))).toThrow(ProtocolError);
    }), { numRuns: 200 });
  });

  it('are taken as a join link only as they are written', () => {
    const near = load<{ fragment: string }>('invite.json').map(({ fragment }) => mutations(new TextEncoder().encode(fragment)).map((data) => String.fromCharCode(...data)));
    fc.assert(fc.property(fc.oneof(fc.string({ maxLength: 200 }), ...near), (fragment) => {
      let link;
      try {
        link = parseJoinFragment(fragment);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
        return;
      }
      expect(joinFragment(link)).toBe(fragment);
    }), { numRuns: 2_000 });
  });
});
