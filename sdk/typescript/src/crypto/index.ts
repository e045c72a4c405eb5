/** The one door to cryptography. What lies behind it is reached through a Keeper; secrets never come out unwrapped. */
import { wrap } from 'comlink';
import { carryFailures } from './failureCarrier';
import type { Keeper } from './keeper';

export type * from './keeper';
export type * from './machine/wire';

/** A keeper in a web worker where there are workers, else in this process. */
export async function openKeeper(): Promise<Keeper> {
  if (typeof Worker === 'undefined') {
    const { LocalKeeper } = await import('./machine/local');
    return new LocalKeeper();
  }
  carryFailures();
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'circle-keeper' });
  // Every method of a Keeper is asynchronous already, so its remote form is the same.
  return wrap<Keeper>(worker);
}
