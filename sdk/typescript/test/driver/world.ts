/** What all clients of a driver share, and what a test may do to it: the clock, and the stores' contents. */
import type { Found, RecordStore, Table } from '../../src/store/sealed';
import { SealedStore } from '../../src/store/sealed';

const TABLES: Table[] = ['records', 'items', 'log', 'outbox'];
const realNow = Date.now.bind(Date);
let offset = 0;

/** Moves the clock of every client by so many milliseconds from the real time. */
export function setClock(milliseconds: number): void {
  offset = milliseconds;
}

Date.now = () => realNow() + offset;

interface Opened {
  name: string;
  store: RecordStore;
  /** Its process was killed: nothing is written any more. */
  isDead: boolean;
}

/** All stores that were opened, newest last. */
const opened: Opened[] = [];

const open = SealedStore.open.bind(SealedStore);
SealedStore.open = async (name, key) => {
  const store = await open(name, key);
  const one: Opened = { name, store, isDead: false };
  const write = store.write.bind(store);
  store.write = (batch) => (one.isDead ? Promise.reject(new Error('This process is dead.')) : write(batch));
  opened.push(one);
  return store;
};

/** From here on nothing reaches the databases of this prefix that are open now, as when their process was killed. */
export function freeze(prefix: string): void {
  for (const one of opened) if (one.name.startsWith(`${prefix}-`)) one.isDead = true;
}

/** Everything that a client's store holds, opened: what somebody finds who has the device and its password. */
export async function contents(prefix: string): Promise<Record<string, Found[]>> {
  const found = opened.findLast(({ name }) => name.startsWith(`${prefix}-`));
  if (!found) return {};
  const tables = await Promise.all(TABLES.map(async (table) => [table, await everything(found.store, table)] as const));
  return Object.fromEntries(tables);
}

async function everything(store: RecordStore, table: Table): Promise<Found[]> {
  const named = await store.range(table, '', '~~~~');
  return [...named, ...(await store.range(table, ['', 0], ['~~~~', '~~~~']))];
}
