import type { Key, RecordStore, Table, Write } from '../../store/sealed';

/** Writes that belong together, readable before they are made: one transaction at the end. */
export class Draft {
  readonly #store: RecordStore;
  readonly #writes = new Map<string, Write>();
  readonly #read = new Map<string, unknown>();

  constructor(store: RecordStore) {
    this.#store = store;
  }

  get(table: Table, key: Key): Promise<unknown> {
    const place = name(table, key);
    const pending = this.#writes.get(place);
    if (pending) return Promise.resolve(pending.value);
    return this.#read.has(place) ? Promise.resolve(this.#read.get(place)) : this.#store.get(table, key);
  }

  /** Reads at once what will be asked for one by one. */
  async load(table: Table, keys: Key[]): Promise<void> {
    const found = await this.#store.getMany(table, keys);
    keys.forEach((key, index) => this.#read.set(name(table, key), found[index]));
  }

  /** `undefined` deletes. */
  put(table: Table, key: Key, value: unknown): void {
    this.#writes.set(name(table, key), { table, key, value });
  }

  add(write: Write | null): void {
    if (write) this.put(write.table, write.key, write.value);
  }

  async commit(): Promise<void> {
    await this.#store.write([...this.#writes.values()]);
    this.#writes.clear();
    this.#read.clear();
  }
}

function name(table: Table, key: Key): string {
  return JSON.stringify([table, key]);
}
