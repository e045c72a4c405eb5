import { openDB, type IDBPDatabase } from 'idb';
import { CircleFailure } from '../errors';
import { decodeRecord, encodeRecord } from './codec';

/** Tables of one account's database. `records` is keyed by names, the others by (space, number or name). */
export type Table = 'records' | 'items' | 'log' | 'outbox';
export type Key = string | [string, number | string];

export interface Write {
  table: Table;
  key: Key;
  /** Any value that JSON and bytes can hold; undefined deletes. */
  value: unknown;
}

export interface Found {
  key: Key;
  value: unknown;
}

/** What the machine keeps: read and range over sealed records, and write many in one transaction. */
export interface RecordStore {
  get(table: Table, key: Key): Promise<unknown>;
  /** In the order of the keys, undefined where there is nothing. */
  getMany(table: Table, keys: Key[]): Promise<unknown[]>;
  /** From `from` to `to`, both included; `to` itself is not where `isOpen` is set. */
  range(table: Table, from: Key, to: Key, options?: { limit?: number; newestFirst?: boolean; isOpen?: boolean }): Promise<Found[]>;
  write(batch: Write[]): Promise<void>;
  close(): void;
}

const TABLES: Table[] = ['records', 'items', 'log', 'outbox'];
const NONCE = 12;

function place(table: Table, key: Key): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`circle/store/v1 ${JSON.stringify([table, key])}`);
}

/**
 * One account's records in IndexedDB. Every value is AES-256-GCM under the store key, bound to its table and key, so
 * a value moved to another place does not open. Keys (ids and numbers) stand in the clear.
 */
export class SealedStore implements RecordStore {
  readonly #database: IDBPDatabase;
  readonly #key: CryptoKey;

  private constructor(database: IDBPDatabase, key: CryptoKey) {
    this.#database = database;
    this.#key = key;
  }

  static async open(name: string, key: CryptoKey): Promise<SealedStore> {
    const database = await openDB(name, 1, {
      upgrade(fresh) {
        for (const table of TABLES) fresh.createObjectStore(table);
      },
      // Another tab wants to delete or change this database: let it, rather than block it.
      blocking(_current, _blocked, event) {
        (event.target as IDBDatabase).close();
      },
    });
    return new SealedStore(database, key);
  }

  async get(table: Table, key: Key): Promise<unknown> {
    const sealed: unknown = await this.#database.get(table, key);
    return sealed === undefined ? undefined : this.#open(table, key, sealed);
  }

  async getMany(table: Table, keys: Key[]): Promise<unknown[]> {
    const transaction = this.#database.transaction(table, 'readonly');
    const waiting: Promise<unknown>[] = [];
    for (const key of keys) waiting.push(transaction.store.get(key));
    const found = await Promise.all(waiting);
    await transaction.done;
    const open = (sealed: unknown, key: Key): Promise<unknown> => (sealed === undefined ? Promise.resolve(undefined) : this.#open(table, key, sealed));
    return Promise.all(keys.map((key, index) => open(found[index], key)));
  }

  async range(table: Table, from: Key, to: Key, options: { limit?: number; newestFirst?: boolean; isOpen?: boolean } = {}): Promise<Found[]> {
    const rows: { key: Key; sealed: unknown }[] = [];
    const transaction = this.#database.transaction(table, 'readonly');
    let cursor = await transaction.store.openCursor(IDBKeyRange.bound(from, to, false, options.isOpen ?? false), options.newestFirst ? 'prev' : 'next');
    while (cursor && rows.length < (options.limit ?? Infinity)) {
      rows.push({ key: cursor.key as Key, sealed: cursor.value as unknown });
      cursor = await cursor.continue();
    }
    await transaction.done;
    return Promise.all(rows.map(async ({ key, sealed }) => ({ key, value: await this.#open(table, key, sealed) })));
  }

  /** All or nothing. Sealing comes first: an IndexedDB transaction does not outlive a wait for anything else. */
  async write(batch: Write[]): Promise<void> {
    if (batch.length === 0) return;
    const rows = await Promise.all(
      batch.map(async ({ table, key, value }) => ({ table, key, sealed: value === undefined ? null : await this.#seal(table, key, value) })),
    );
    const transaction = this.#database.transaction(TABLES, 'readwrite', { durability: 'strict' });
    const waiting: Promise<unknown>[] = [transaction.done];
    try {
      for (const { table, key, sealed } of rows) {
        const store = transaction.objectStore(table);
        waiting.push(sealed === null ? store.delete(key) : store.put(sealed, key));
      }
      await Promise.all(waiting);
    } catch (error) {
      for (const one of waiting) one.catch(() => undefined);
      // A request that failed has ended the transaction already; one that could not be made has not.
      try {
        transaction.abort();
      } catch {
        // ended
      }
      throw error;
    }
  }

  close(): void {
    this.#database.close();
  }

  async #seal(table: Table, key: Key, value: unknown): Promise<Uint8Array<ArrayBuffer>> {
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE));
    const additionalData = place(table, key);
    const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv: nonce, additionalData }, this.#key, encodeRecord(value));
    const whole = new Uint8Array(NONCE + sealed.byteLength);
    whole.set(nonce);
    whole.set(new Uint8Array(sealed), NONCE);
    return whole;
  }

  async #open(table: Table, key: Key, sealed: unknown): Promise<unknown> {
    try {
      const whole = sealed as Uint8Array<ArrayBuffer>;
      const iv = whole.slice(0, NONCE);
      const plain = await crypto.subtle.decrypt({ name: 'AES-GCM', iv, additionalData: place(table, key) }, this.#key, whole.slice(NONCE));
      return decodeRecord(new Uint8Array(plain));
    } catch {
      throw new CircleFailure('STORE_DAMAGED', 'What this browser keeps for Circle is damaged and cannot be read.');
    }
  }
}
