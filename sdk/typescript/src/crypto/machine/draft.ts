import type { Key, RecordStore, Table, Write } from '../../store/sealed';

/** Writes that belong together, readable before they are made: one transaction at the end. */
export class Draft {
  readonly #store: RecordStore;
  readonly #writes = new Map<string, Write>();

  constructor(store: RecordStore) {
    this.#store = store;
  }

  get(table: Table, key: Key): Promise<unknown> {
    const pending = this.#writes.get(name(table, key));
    return pending ? Promise.resolve(pending.value) : this.#store.get(table, key);
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
  }
}

function name(table: Table, key: Key): string {
  return JSON.stringify([table, key]);
}
