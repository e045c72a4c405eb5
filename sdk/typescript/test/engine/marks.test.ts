/** Marks on several devices: what is believed of them, what counts as unread, and what is stored together. */
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { MarkerBytes } from '../../src/crypto';
import { deleteContent } from '../../src/crypto/protocol/contents';
import { EnvelopeKind, makeEnvelopeId, parseEnvelope, sealEnvelope, type Content, type Header } from '../../src/crypto/protocol/envelope';
import { parseAnnouncement } from '../../src/crypto/protocol/epoch';
import { ownContent, receiptContent } from '../../src/crypto/protocol/markers';
import { fromHex, randomBytes, toHex } from '../../src/bytes';
import { SealedStore, type Write } from '../../src/store/sealed';
import { Desk } from './desk';
import { Pair } from './pair';
import type { Person } from './world';

const HOUR = 3_600_000;
let pair: Pair;
beforeAll(async () => { pair = await Pair.make(); }, 120_000);
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const known = new Map<string, Promise<unknown>>();

/** Looked up in somebody's store, which takes stretching the password: once. */
function once<T>(name: string, look: () => Promise<T>): Promise<T> {
  const found = (known.get(name) as Promise<T> | undefined) ?? look();
  known.set(name, found);
  return found;
}

/** A marker as its author could seal it, with whatever a cheat changes. */
async function forged(desk: Desk, by: Person, content: Content, change: { header?: Partial<Header>; marker?: Partial<MarkerBytes>; sealedIn?: string } = {}): Promise<MarkerBytes> {
  const space = change.sealedIn ?? desk.talk;
  const keyring = await once(`keyring ${by.id}`, () => by.keyring());
  const { head } = pair.world.space(space);
  const epoch = await newestEpoch(space);
  const key = await once(`branch ${by.id} ${space} ${epoch.n}`, () => by.branch(space, epoch.n));
  const now = Date.now();
  const header: Header = {
    space: fromHex(space), epoch, id: makeEnvelopeId(now, randomBytes(10)), member: keyring.memberBytes, device: keyring.device.device, n: 0, seen: head,
    kind: EnvelopeKind.RECEIPT, ref: null, b: 0, time: now, ...change.header,
  };
  const { bytes } = await sealEnvelope(header, content, key ?? new Uint8Array(32), keyring.device.dk);
  return { space: desk.talk, node: `node-${desk.talk}`, member: by.id, scope: 'RECEIPT', version: 1, envelope: bytes, acceptedAt: now, ...change.marker };
}

async function newestEpoch(space: string): Promise<Header['epoch']> {
  const newest = pair.world.space(space).epochs.at(-1);
  if (!newest) throw new Error('This space has no epoch.');
  return (await parseAnnouncement(newest.announcement)).epoch;
}

const marksOf = (desk: Desk, of: Person, by: Person) => by.view(desk.talk).receipts.find(({ member }) => member === of.id);

describe('a mark', () => {
  it('of an honest member is taken, the higher number of each, and never above what its device had seen', async () => {
    const desk = await Desk.make(pair);
    const { ada, bob } = pair;
    await desk.write(ada, 'one');
    await desk.deliver(ada);
    await desk.hear(ada, [await forged(desk, bob, receiptContent({ delivered: 3, read: 2 }))], null);
    expect(marksOf(desk, bob, ada)).toMatchObject({ delivered: 3, read: 2 });
    await desk.hear(ada, [await forged(desk, bob, receiptContent({ delivered: null, read: 1 }))], null);
    expect(marksOf(desk, bob, ada)).toMatchObject({ delivered: 3, read: 2 });
    await desk.hear(ada, [await forged(desk, bob, receiptContent({ delivered: null, read: 1_000_000 }))], null);
    expect(marksOf(desk, bob, ada)).toMatchObject({ delivered: 3, read: 3 });
  });

  it('says nothing where anything is wrong with it', async () => {
    const desk = await Desk.make(pair);
    const other = await Desk.make(pair);
    const { ada, second, bob, world } = pair;
    await desk.write(bob, 'one');
    await desk.deliver(ada);
    const says = receiptContent({ delivered: 3, read: 3 });
    const good = await forged(desk, bob, says);
    const flipped = Uint8Array.from(good.envelope ?? []);
    flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1;
    const epoch = await newestEpoch(desk.talk);
    const bad: MarkerBytes[] = [
      { ...good, envelope: flipped },
      { ...good, envelope: null },
      { ...good, member: ada.id },
      await forged(desk, bob, says, { sealedIn: other.talk }),
      await forged(desk, bob, says, { header: { kind: EnvelopeKind.MESSAGE } }),
      await forged(desk, bob, says, { header: { ref: randomBytes(16) } }),
      await forged(desk, bob, says, { header: { device: randomBytes(16) } }),
      await forged(desk, bob, says, { header: { n: 9 } }),
      await forged(desk, bob, says, { header: { epoch: { n: epoch.n, hash: randomBytes(32) } } }),
      await forged(desk, bob, says, { header: { b: 2 } }),
      await forged(desk, bob, new Map([[0, 'much']])),
      // An own mark of Ada's that Bob has made, and one about another conversation.
      await forged(desk, bob, ownContent({ space: fromHex(desk.talk), read: 3 }), { marker: { scope: 'OWN', member: ada.id } }),
    ];
    for (const marker of bad) await desk.hear(ada, [marker], null);
    expect([marksOf(desk, bob, ada), ada.view(desk.talk).unread, ada.view(desk.talk).alarm]).toEqual([undefined, 1, null]);
    await other.write(bob, 'one');
    await other.deliver(second);
    await other.read(second);
    const own = await second.keeper.makeMarker(other.talk, 'OWN', { delivered: true, read: true });
    if (!own) throw new Error('There is something to tell.');
    await desk.hear(ada, [{ ...good, scope: 'OWN', member: ada.id, envelope: own.envelope }], null);
    expect([ada.view(desk.talk).unread, world.space(desk.talk).markers.size]).toEqual([1, 0]);
    await desk.hear(ada, [good], null);
    expect(marksOf(desk, bob, ada)).toMatchObject({ delivered: 3, read: 3 });
  });

  it('whose device has seen another history raises the alarm', async () => {
    const desk = await Desk.make(pair);
    const { ada, bob } = pair;
    await desk.hear(ada, [await forged(desk, bob, receiptContent({ delivered: 2, read: 2 }), { header: { seen: { n: 2, hash: randomBytes(32) } } })], null);
    expect(ada.view(desk.talk).alarm).toContain('seen another history');
    expect(marksOf(desk, bob, ada)).toBeUndefined();
  });

  it('is sealed for those whom it is for: the conversation, or the own account', async () => {
    const desk = await Desk.make(pair, { policy: { lifetime: 3, shared: false } });
    const { second, bob } = pair;
    await desk.write(bob, 'one');
    await desk.deliver(second);
    await desk.read(second);
    const headers = [];
    for (const scope of ['OWN', 'RECEIPT'] as const) {
      const made = await second.keeper.makeMarker(desk.talk, scope, { delivered: true, read: true });
      expect(made?.version).toBe(0);
      expect(made?.envelope.length).toBeLessThan(1024);
      headers.push((await parseEnvelope(made?.envelope ?? new Uint8Array())).header);
    }
    expect(headers.map(({ kind, b }) => [kind, b])).toEqual([[5, 0], [5, 3]]);
    expect(headers.map(({ space }) => toHex(space))).toEqual([pair.id, desk.talk]);
  });

  it('tells what is switched on, and nothing where nothing is new', async () => {
    const desk = await Desk.make(pair);
    const { ada, bob } = pair;
    await desk.write(ada, 'one');
    await desk.deliver(bob);
    expect(await desk.tell(bob, 'RECEIPT', false, { delivered: false, read: true })).toBe('nothing');
    expect(await desk.tell(bob, 'RECEIPT', false, { delivered: false, read: false })).toBe('nothing');
    await desk.read(bob);
    expect(await desk.tell(bob, 'RECEIPT', false, { delivered: true, read: false })).toBe('done');
    await desk.deliver(ada);
    expect(marksOf(desk, bob, ada)).toMatchObject({ delivered: 3, read: 0 });
    expect(await desk.tell(bob, 'RECEIPT', false, { delivered: true, read: false })).toBe('nothing');
    expect(await desk.tell(bob, 'RECEIPT')).toBe('done');
    await desk.deliver(ada);
    expect(marksOf(desk, bob, ada)).toMatchObject({ delivered: 3, read: 3 });
    await desk.read(bob);
    expect([await desk.tell(bob, 'RECEIPT'), bob.view(desk.talk).untold]).toEqual(['nothing', { own: true, delivered: false, read: false }]);
  });
});

describe('unread', () => {
  it('are no own messages, none that were deleted, and none that have expired', async () => {
    const desk = await Desk.make(pair);
    const { ada, bob, world } = pair;
    for (const text of ['stays', 'goes']) await desk.write(bob, text);
    await desk.write(bob, 'an hour', 1);
    await desk.write(ada, 'mine');
    await desk.deliver(ada);
    expect(ada.view(desk.talk)).toMatchObject({ unread: 3, firstUnread: 3, isMoreUnread: false });
    const event = world.space(desk.talk).events.find(({ seq }) => seq === 4);
    const { header } = await parseEnvelope((event?.body.kind === 'envelope' ? event.body.envelope : null) ?? new Uint8Array());
    const keyring = await bob.keyring();
    const key = await bob.branch(desk.talk, header.epoch.n);
    const gone = await sealEnvelope({ ...header, id: makeEnvelopeId(Date.now(), randomBytes(10)), kind: EnvelopeKind.DELETE, ref: header.id, seen: world.space(desk.talk).head }, deleteContent(), key ?? new Uint8Array(), keyring.device.dk);
    await world.envelope(desk.talk, gone.bytes);
    await world.sync(ada, desk.talk);
    expect(ada.view(desk.talk).unread).toBe(2);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + HOUR });
    ada.take(await ada.keeper.expire());
    expect(ada.view(desk.talk)).toMatchObject({ unread: 1, firstUnread: 3 });
    await desk.read(ada);
    expect(ada.view(desk.talk)).toMatchObject({ unread: 0, firstUnread: null });
  });

  it('are none of before one joined, although they can be read', async () => {
    const desk = await Desk.make(pair, { policy: { lifetime: 0, shared: true } });
    const { ada, bob, world } = pair;
    const { device: cem } = await world.signUp('cem');
    for (const text of ['one', 'two']) await desk.write(bob, text);
    await desk.deliver(ada);
    await ada.keeper.learnIdentities(world.identities([cem.id]));
    await world.roster(desk.talk, await ada.keeper.makeRosterLink(desk.talk, { what: 'add', member: cem.id, role: 'WRITER' }));
    await world.sync(ada, desk.talk);
    for (const made of await ada.keeper.makeGrants(desk.talk, cem.id)) world.space(desk.talk).grants.push({ to: cem.id, giver: ada.id, ...made });
    await world.renew(ada, desk.talk);
    await world.open(cem, desk.talk);
    expect(cem.lines(desk.talk).slice(1, 3)).toEqual(['3 one', '4 two']);
    expect(cem.view(desk.talk)).toMatchObject({ unread: 0, isMoreUnread: false });
    await ada.send(world, desk.talk, 'three');
    await world.sync(cem, desk.talk);
    expect(cem.view(desk.talk)).toMatchObject({ unread: 1, firstUnread: 7 });
  });

  it('are counted anew from the lines where an earlier version has stored them', async () => {
    const desk = await Desk.make(pair);
    const { ada, bob } = pair;
    for (const text of ['one', 'two']) await desk.write(bob, text);
    await desk.deliver(ada);
    const write = Object.getOwnPropertyDescriptor(SealedStore.prototype, 'write')?.value as (this: SealedStore, batch: Write[]) => Promise<void>;
    vi.spyOn(SealedStore.prototype, 'write').mockImplementation(async function old(this: SealedStore, batch: Write[]) {
      await write.call(this, batch.map((one) => (one.key === `space:${desk.talk}` ? { ...one, value: { ...(one.value as object), positions: undefined } } : one)));
    });
    await desk.hear(ada, [await forged(desk, bob, receiptContent({ delivered: 1, read: 1 }))], null);
    vi.restoreAllMocks();
    await desk.restart(ada);
    await desk.hear(ada, [await forged(desk, bob, receiptContent({ delivered: 1, read: 1 }))], null);
    expect(ada.view(desk.talk)).toMatchObject({ unread: 2, firstUnread: 3 });
  });
});

describe('one transaction', () => {
  const full = () => vi.spyOn(SealedStore.prototype, 'write').mockRejectedValueOnce(new DOMException('The disk is full.', 'QuotaExceededError'));

  it('holds messages and the cursor that brought them, or neither', async () => {
    const desk = await Desk.make(pair);
    const { ada, bob, world } = pair;
    await desk.write(bob, 'one');
    const before = await ada.keeper.cursor();
    const events = world.space(desk.talk).events.slice(-1);
    await world.satisfy(ada, () => ada.keeper.needs(events));
    full();
    await expect(ada.keeper.apply(events, 'after one')).rejects.toThrow();
    await desk.restart(ada);
    expect([await ada.keeper.cursor(), (await ada.keeper.items(desk.talk, null, 9)).length]).toEqual([before, 1]);
    const writes = vi.spyOn(SealedStore.prototype, 'write').mockClear();
    ada.take(await ada.keeper.apply(events, 'after one'));
    const withCursor = writes.mock.calls.filter(([batch]) => batch.some(({ key }) => key === 'cursor'));
    expect(withCursor.map(([batch]) => batch.some(({ table }) => table === 'items'))).toEqual([true]);
    await desk.restart(ada);
    expect([await ada.keeper.cursor(), (await ada.keeper.items(desk.talk, null, 9)).length]).toEqual(['after one', 2]);
  });

  it('holds marks and the cursor that brought them, or neither', async () => {
    const desk = await Desk.make(pair);
    const { ada, second, bob } = pair;
    await desk.write(bob, 'one');
    await desk.deliver(ada);
    await desk.deliver(second);
    await desk.read(second);
    await desk.tell(second, 'OWN');
    const marker = desk.current(ada, 'OWN');
    if (!marker) throw new Error('The other device has told it.');
    const before = await ada.keeper.cursor();
    full();
    await expect(desk.hear(ada, [marker], 'after the mark')).rejects.toThrow();
    await desk.restart(ada);
    expect(await ada.keeper.cursor()).toBe(before);
    ada.take([await ada.keeper.raiseAlarm(desk.talk, 'so that its view is shown')]);
    expect(ada.view(desk.talk).unread).toBe(1);
    await desk.hear(ada, [marker], 'after the mark');
    await desk.restart(ada);
    expect(await ada.keeper.cursor()).toBe('after the mark');
    ada.take((await ada.keeper.load()).spaces.map(({ view, items }) => ({ view, items, gone: [] })));
    expect(ada.view(desk.talk)).toMatchObject({ unread: 0, untold: { own: false } });
  });

  it('what waits to be sent outlives a restart in its order, sealed by then in the same bytes', async () => {
    const desk = await Desk.make(pair);
    const { ada } = pair;
    const keys: string[] = [];
    for (const text of ['first', 'second']) keys.push((await ada.keeper.queueText(desk.talk, text)).items[0]?.key ?? '');
    const sealed = await ada.keeper.seal(keys[0] ?? '', false);
    await desk.restart(ada);
    const waiting = (await ada.keeper.pending()).filter(({ space }) => space === desk.talk);
    expect(waiting.map(({ key, state }) => [key, state])).toEqual(keys.map((key) => [key, 'sending']));
    expect((await ada.keeper.seal(keys[0] ?? '', false)).envelope).toEqual(sealed.envelope);
    expect((await ada.keeper.load()).spaces.find(({ view }) => view.space === desk.talk)?.items.filter(({ state }) => state === 'sending')).toHaveLength(2);
  });
});
