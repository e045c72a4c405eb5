import 'fake-indexeddb/auto';
import { openDB } from 'idb';
import { describe, expect, it } from 'vitest';
import { decodeRecord, encodeRecord } from '../../src/store/codec';
import { SealedStore } from '../../src/store/sealed';
import { Vault } from '../../src/crypto/machine/vault';
import { ARGON, randomBytes } from '../../src/crypto/protocol/primitives';

const newKey = () => crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);

describe('the sealed store', () => {
  it('gives back what it was given, in ranges and by key', async () => {
    const store = await SealedStore.open('give-back', await newKey());
    const value = { text: 'secret', bytes: new Uint8Array([1, 2, 3]), list: [null, 5], deep: { bytes: new Uint8Array(0) } };
    await store.write([1, 2, 3].map((seq) => ({ table: 'items', key: ['space', seq], value: { ...value, seq } })));
    expect(await store.get('items', ['space', 2])).toEqual({ ...value, seq: 2 });
    const found = await store.range('items', ['space', 1], ['space', 2], { newestFirst: true });
    expect(found.map(({ key }) => key)).toEqual([['space', 2], ['space', 1]]);
    await store.write([{ table: 'items', key: ['space', 2], value: undefined }]);
    expect(await store.get('items', ['space', 2])).toBeUndefined();
    store.close();
  });

  it('holds no plaintext, and nothing opens under another key or in another place', async () => {
    const store = await SealedStore.open('closed', await newKey());
    await store.write([{ table: 'records', key: 'one', value: { text: 'a very secret text' } }]);
    store.close();
    const raw = await openDB('closed', 1);
    const sealed = (await raw.get('records', 'one')) as Uint8Array;
    expect(new TextDecoder('latin1').decode(sealed)).not.toContain('secret');
    await raw.put('records', sealed, 'two');
    raw.close();
    const same = await SealedStore.open('closed', await newKey());
    await expect(same.get('records', 'one')).rejects.toMatchObject({ code: 'STORE_DAMAGED' });
    same.close();
  });

  it('refuses a value that was moved', async () => {
    const key = await newKey();
    const store = await SealedStore.open('moved', key);
    await store.write([{ table: 'records', key: 'one', value: 1 }]);
    const raw = await openDB('moved', 1);
    await raw.put('records', (await raw.get('records', 'one')) as Uint8Array, 'two');
    raw.close();
    expect(await store.get('records', 'one')).toBe(1);
    await expect(store.get('records', 'two')).rejects.toMatchObject({ code: 'STORE_DAMAGED' });
    store.close();
  });

  it('writes all or nothing', async () => {
    const store = await SealedStore.open('whole', await newKey());
    const bad = { table: 'items' as const, key: {} as unknown as string, value: 2 };
    await expect(store.write([{ table: 'records', key: 'cursor', value: 'new' }, bad])).rejects.toThrow();
    expect(await store.get('records', 'cursor')).toBeUndefined();
    store.close();
  });

  it('encodes bytes wherever they stand', () => {
    const value = [{ a: new Uint8Array([255, 0]) }, 'text', null, 7.5, true];
    expect(decodeRecord(encodeRecord(value))).toEqual(value);
  });
});

describe('the store key', () => {
  const account = { member: '11'.repeat(16), device: '22'.repeat(16) };
  const parameters = { salt: new Uint8Array(16), ...ARGON };

  it('opens by the password alone, and for this member and device alone', async () => {
    const vault = new Vault();
    const { ticket } = await vault.stretch('a long enough password', parameters);
    const { wrapped, storeKey } = await vault.create(account, ticket);
    const known = { ...account, wrapped, database: '' };
    expect(await vault.open(known, ticket)).toEqual(storeKey);
    expect(await vault.open({ ...known, device: '33'.repeat(16) }, ticket)).toBeNull();
    const other = await vault.stretch('another password', parameters);
    expect(await vault.open(known, other.ticket)).toBeNull();
    await expect(vault.open(known, ticket)).rejects.toMatchObject({ code: 'LOCKED' });
  });

  it('opens by both halves of a browser session, and by neither alone', async () => {
    const vault = new Vault();
    const { ticket } = await vault.stretch('a long enough password', parameters);
    const { wrapped, storeKey } = await vault.create(account, ticket);
    await vault.use(account, storeKey);
    const known = { ...account, wrapped, database: '' };
    const session = await vault.share();
    expect(session.key.extractable).toBe(false);
    const fresh = new Vault();
    expect(await fresh.join(known, session)).toEqual(storeKey);
    expect(await fresh.join(known, { ...session, half: randomBytes(32) })).toBeNull();
    expect(await fresh.join(known, { ...session, key: await newKey() })).toBeNull();
    vault.lock();
    await expect(vault.share()).rejects.toMatchObject({ code: 'LOCKED' });
  });
});
