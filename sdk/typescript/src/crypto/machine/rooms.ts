/** The conversations held in memory, and the one way to change them: all of a change is stored, or nothing of it. */
import { CircleFailure } from '../../errors';
import type { RecordStore } from '../../store/sealed';
import { shownItem, type Context, type Shown } from './context';
import { Draft } from './draft';
import { Space, viewOf } from './space';
import type { SpaceRecord, StoredItem } from './spaceRecord';
import type { ItemView, SpaceChange, SpaceView } from './wire';

export class Rooms {
  readonly #context: Context;
  readonly #open = new Map<string, Space>();

  constructor(context: Context) {
    this.#context = context;
  }

  get store(): RecordStore {
    return this.#context.store;
  }

  async find(space: string): Promise<Space | null> {
    const open = this.#open.get(space);
    if (open) return open;
    const loaded = await Space.load(this.store, this.#context.people, space, this.#context.keyring.member);
    if (loaded) this.#open.set(space, loaded);
    return loaded;
  }

  /** Throws NOT_FOUND. */
  async get(space: string): Promise<Space> {
    const found = await this.find(space);
    if (!found) throw new CircleFailure('NOT_FOUND', 'This conversation is not known on this device.');
    return found;
  }

  /**
   * Runs a change that touches these spaces and stores it in one transaction. When it throws, what was changed in
   * memory is forgotten and comes from the store again.
   */
  async change<T>(spaces: string[], task: (draft: Draft) => Promise<T>): Promise<T> {
    const draft = new Draft(this.store);
    try {
      const result = await task(draft);
      for (const space of spaces) this.#open.get(space)?.save(draft);
      await draft.commit();
      return result;
    } catch (error) {
      for (const space of spaces) this.#open.delete(space);
      throw error;
    }
  }

  forget(space: string): void {
    this.#open.delete(space);
  }

  put(space: Space): void {
    this.#open.set(space.id, space);
  }

  view(record: SpaceRecord): SpaceView {
    return viewOf(record, this.#context.keyring.member, this.#context.people);
  }

  shown(space: Space, { items, gone }: Shown = { items: [], gone: [] }): SpaceChange {
    return { view: this.view(space.record), items: items.map(shownItem), gone };
  }

  async records(): Promise<SpaceRecord[]> {
    return (await this.store.range('records', 'space:', 'space;')).map(({ value }) => value as SpaceRecord);
  }

  /** The newest kept items below a seq, ascending, without those whose time is over. */
  async items(space: string, beforeSeq: number | null, count: number): Promise<ItemView[]> {
    // Lines beside the log stand between two entries: their places are no whole numbers.
    const to = beforeSeq ?? Number.MAX_SAFE_INTEGER;
    const found = await this.store.range('items', [space, 0], [space, to], { limit: count, newestFirst: true, isOpen: true });
    const now = Date.now();
    const items = found.map(({ value }) => value as StoredItem).reverse();
    return items.filter(({ expiresAt }) => expiresAt === null || expiresAt > now).map(shownItem);
  }
}

