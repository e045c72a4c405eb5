import { describe, expect, it } from 'vitest';
import type { ProtocolCode, ProtocolLayer } from '../../src/crypto/protocol';
import { ops, type Input } from './ops';
import { refusal } from './support';
import { load } from './vectors';

interface Case {
  id: string;
  layer: ProtocolLayer | 'server';
  op: string;
  code: ProtocolCode;
  input: Input;
}

/** The server's checks are no part of a client. */
const cases = load<Case>('invalid.json').filter((one) => one.layer !== 'server' && !one.op.startsWith('server.'));

describe('vectors that must fail', () => {
  it.each(cases)('$id: $about', async ({ op, input, layer, code }) => {
    const run = ops[op];
    if (run === undefined) throw new Error(`There is no op ${op}.`);
    expect(await refusal(() => run(input))).toEqual({ layer, code });
  });
});
