/** Which epochs of its own a device can give back to a server that lost them (docs/decisions/0094). */
import 'fake-indexeddb/auto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Context } from '../../src/crypto/machine/context';
import { Draft } from '../../src/crypto/machine/draft';
import { MOST_OF_EPOCHS, ownEntries } from '../../src/crypto/machine/ownEntries';
import type { Space } from '../../src/crypto/machine/space';
import { SealedStore } from '../../src/store/sealed';

describe('epochs of large conversations', () => {
  const space = { id: 'space' } as unknown as Space;
  const third = Math.floor(MOST_OF_EPOCHS / 3) - 100;
  let store: SealedStore;
  let context: Context;
  let names = 0;

  beforeEach(async () => {
    names += 1;
    store = await SealedStore.open(`epochs-${names}`, await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']));
    context = { store } as unknown as Context;
  });

  const make = async (seq: number, size: number) => {
    const announcement = new Uint8Array([seq]);
    const signature = new Uint8Array(64);
    await ownEntries.made(space, context, { announcement, signature, recipients: new Uint8Array(10), seals: [new Uint8Array(size)] });
    const draft = new Draft(store);
    const event = { seq, item: new Uint8Array([seq]), acceptedAt: Date.now(), body: { kind: 'epoch', announcement, signature } };
    await ownEntries.announced(space, draft, context, event as Parameters<typeof ownEntries.announced>[3]);
    await draft.commit();
  };
  const held = async (...seqs: number[]) => Promise.all(seqs.map(async (seq) => (await ownEntries.at(space, context, seq)) !== null));

  it('are kept, the newest of them', async () => {
    for (const seq of [1, 2, 3]) await make(seq, third);
    expect(await held(1, 2, 3)).toEqual([true, true, true]);
    expect(await ownEntries.at(space, context, 3)).toMatchObject({ kind: 'epoch', seq: 3 });
    await make(4, third);
    expect(await held(1, 2, 3, 4)).toEqual([false, true, true, true]);
    await make(5, 2 * MOST_OF_EPOCHS);
    expect(await held(2, 3, 4, 5)).toEqual([false, false, false, true]);
  });

  it('make no room by what stands in the place of one that was given up', async () => {
    await make(1, third);
    const draft = new Draft(store);
    const event = { seq: 1, item: new Uint8Array([7]), acceptedAt: Date.now() };
    await ownEntries.keep(space, draft, context, event as Parameters<typeof ownEntries.keep>[3], { kind: 'envelope', envelope: new Uint8Array(3) });
    await draft.commit();
    await make(2, 2 * MOST_OF_EPOCHS);
    expect(await held(1, 2)).toEqual([true, true]);
  });
});
