import { describe, expect, it } from 'vitest';
import { decode, encode, openEnvelope, ownContent, parseEnvelope, ProtocolError, readOwn, readReceipt, receiptContent, toHex, verifyEnvelope, type Content } from '../../src/crypto/protocol';
import { b, load, refusedIn } from './vectors';

interface Case {
  scope: 'OWN' | 'RECEIPT';
  content: string;
  space: string;
  delivered: number | null;
  read: number | null;
  sealed?: { envelope: string; dk: string; branch: string };
}

const contentOf = (hex: string) => decode(b(hex)) as Content;

describe('markers', () => {
  it.each(load<Case>('markers.json'))('$scope: $about', async ({ scope, content, space, delivered, read, sealed, about }) => {
    const isExact = !about.includes('unknown');
    if (scope === 'OWN') {
      const own = { space: b(space), read: read ?? 0 };
      expect(readOwn(contentOf(content))).toEqual(own);
      if (isExact) expect(toHex(encode(ownContent(own)))).toBe(content);
    } else {
      expect(readReceipt(contentOf(content))).toEqual({ delivered, read });
      if (isExact) expect(toHex(encode(receiptContent({ delivered, read })))).toBe(content);
    }
    if (!sealed) return;
    const envelope = await parseEnvelope(b(sealed.envelope));
    await verifyEnvelope(envelope, b(sealed.dk));
    expect(toHex(encode(await openEnvelope(envelope, b(sealed.branch))))).toBe(content);
  });

  it.each(refusedIn<{ id: string; op: string; layer: string; code: string; input: { content: string } }>('markers.json'))('$id: $about', ({ op, input, layer, code }) => {
    const run = () => (op === 'marker.own' ? readOwn(contentOf(input.content)) : readReceipt(contentOf(input.content)));
    expect(run).toThrow(ProtocolError);
    expect(run).toThrow(expect.objectContaining({ layer, code }) as Error);
  });
});
