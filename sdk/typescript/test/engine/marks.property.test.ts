/** However deliveries, reads, conflicts, lost answers and restarts fall together: marks never go back, and unread is what it says. */
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { lineGone, lineKept, MOST_UNREAD, readUpTo } from '../../src/crypto/machine/positions';
import type { SpaceRecord, StoredItem } from '../../src/crypto/machine/spaceRecord';
import { Desk } from './desk';
import { Pair } from './pair';
import type { Person } from './world';

const device = fc.constantFrom('ada' as const, 'second' as const);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ what: fc.constant('bob writes' as const), count: fc.integer({ min: 1, max: 7 }) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('writes' as const), device }) },
  { weight: 5, arbitrary: fc.record({ what: fc.constant('is given' as const), device, count: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 4, arbitrary: fc.record({ what: fc.constant('reads' as const), device }) },
  { weight: 5, arbitrary: fc.record({ what: fc.constant('tells' as const), device, isLost: fc.boolean(), scope: fc.constantFrom('OWN' as const, 'RECEIPT' as const) }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('restarts' as const), device }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('resyncs' as const), device }) },
);

describe('two devices that read', () => {
  let pair: Pair;
  beforeAll(async () => { pair = await Pair.make(); }, 120_000);

  it('never go back, agree in the end, and count what the definition says', { timeout: 400_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
        const desk = await Desk.make(pair);
        const { ada, second, bob } = pair;
        const marks = new Map<Person, number>();
        const check = async () => {
          for (const one of [ada, second]) {
            const { read, unread, isMoreUnread } = one.view(desk.talk);
            expect(read).toBeGreaterThanOrEqual(marks.get(one) ?? 0);
            marks.set(one, read);
            expect(unread).toBe(await desk.unread(one));
            if (isMoreUnread) expect(unread).toBeLessThanOrEqual(desk.defined(one));
            else expect(unread).toBe(desk.defined(one));
          }
        };
        for (const [index, one] of steps.entries()) {
          const who = 'device' in one ? pair[one.device] : bob;
          if (one.what === 'bob writes') for (let n = 0; n < one.count; n += 1) await desk.write(bob, `${index} ${n}`);
          else if (one.what === 'writes') await desk.write(who, `own ${index}`);
          else if (one.what === 'is given') await desk.deliver(who, one.count);
          else if (one.what === 'reads') await desk.read(who);
          else if (one.what === 'tells') await desk.tell(who, one.scope, one.isLost);
          else if (one.what === 'restarts') await desk.restart(who);
          else await desk.resync(who);
          await check();
        }
        const most = Math.max(ada.view(desk.talk).read, second.view(desk.talk).read);
        for (let round = 0; round < 4; round += 1) {
          for (const one of [ada, second, bob]) {
            await desk.deliver(one);
            for (const scope of ['OWN', 'RECEIPT'] as const) for (let tries = 0; tries < 4 && (await desk.tell(one, scope)) === 'conflict'; tries += 1);
          }
        }
        for (const one of [ada, second, bob]) await desk.deliver(one);
        await check();
        expect([ada.view(desk.talk).read, second.view(desk.talk).read]).toEqual([most, most]);
        for (const one of [ada, second]) expect(one.view(desk.talk).untold).toEqual({ own: false, delivered: false, read: false });
        // Bob is shown as much: what was read, and that all of his has arrived.
        const shown = bob.view(desk.talk).receipts.find(({ member }) => member === ada.id);
        expect(shown?.read ?? 0).toBe(most);
      }),
      { numRuns: 40 },
    );
  });
});

describe('what is unread', () => {
  const line = (seq: number, isMine: boolean, isText: boolean): StoredItem => ({
    key: `k${seq}`, seq, time: 0, sender: isMine ? 'me' : 'you', body: isText ? { kind: 'text', text: '' } : { kind: 'unreadable', reason: '' }, epoch: 1, b: 0, expiresAt: null,
  });
  const seq = fc.integer({ min: 1, max: 60 });
  const change = fc.oneof(
    { weight: 5, arbitrary: fc.record({ what: fc.constant('keep' as const), seq, isMine: fc.boolean(), isText: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ what: fc.constant('drop' as const), seq }) },
    { weight: 1, arbitrary: fc.record({ what: fc.constant('read' as const), seq }) },
  );

  it('is the lines of others above the mark, in whatever order lines come, change and go', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 120 }), (changes) => {
        const record = { lastRead: 0 } as SpaceRecord;
        const lines = new Map<number, StoredItem>();
        for (const one of changes) {
          if (one.what === 'keep') {
            const item = line(one.seq, one.isMine, one.isText);
            lines.set(one.seq, item);
            lineKept(record, item, 'me');
          } else if (one.what === 'drop') {
            lines.delete(one.seq);
            lineGone(record, one.seq);
          } else readUpTo(record, one.seq);
          const expected = [...lines.values()].filter((item) => item.sender !== 'me' && item.body.kind === 'text' && item.seq > record.lastRead);
          expect(record.positions?.fresh ?? []).toEqual(expected.map((item) => item.seq).sort((a, b) => a - b));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is remembered one by one for so many, and of more it is said that there are more', () => {
    const record = { lastRead: 0, hasOlder: false, start: { n: 1, hash: new Uint8Array() } } as unknown as SpaceRecord;
    for (let n = 1; n <= MOST_UNREAD + 5; n += 1) lineKept(record, line(n, false, true), 'me');
    lineKept(record, line(3, false, true), 'me');
    expect([record.positions?.fresh.length, record.positions?.fresh[0], record.positions?.freshFrom]).toEqual([MOST_UNREAD, 6, 6]);
    readUpTo(record, 10);
    lineKept(record, line(9, false, true), 'me');
    expect([record.positions?.fresh.length, record.positions?.fresh[0]]).toEqual([MOST_UNREAD - 5, 11]);
  });
});
