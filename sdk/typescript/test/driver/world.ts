/** What all clients of a driver share, and what a test may do to it: the clock, and the stores' contents. */
import type { Found, RecordStore, Table } from '../../src/store/sealed';
import { SealedStore } from '../../src/store/sealed';

const TABLES: Table[] = ['records', 'items', 'log', 'outbox'];
const realNow = Date.now.bind(Date);
const realTimeout = setTimeout;
const realClear = clearTimeout;
/** Timers that a clock put forward may find over; shorter ones run out by themselves. */
const LONG = 5_000;
const timers = new Map<unknown, { at: number; run: () => void }>();
let offset = 0;

/** Moves the clock of every client by so many milliseconds from the real time; what was to happen meanwhile happens now. */
export function setClock(milliseconds: number): void {
  offset = milliseconds;
  for (const [timer, { at, run }] of [...timers]) {
    if (at > Date.now() || !timers.delete(timer)) continue;
    realClear(timer as ReturnType<typeof setTimeout>);
    run();
  }
}

Date.now = () => realNow() + offset;

function later(task: (...given: unknown[]) => void, delay = 0, ...given: unknown[]): ReturnType<typeof setTimeout> {
  const run = () => {
    timers.delete(timer);
    task(...given);
  };
  const timer = realTimeout(run, delay);
  if (delay >= LONG) timers.set(timer, { at: Date.now() + delay, run });
  return timer;
}

// Its other forms (promisified, with text) are nobody's here.
globalThis.setTimeout = later as typeof setTimeout;
globalThis.clearTimeout = (timer) => {
  timers.delete(timer);
  realClear(timer);
};

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
