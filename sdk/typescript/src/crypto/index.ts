/** The one door to cryptography. What lies behind it is reached through a Keeper; secrets never come out unwrapped. */
import { wrap } from 'comlink';
import { CircleFailure } from '../errors';
import { carryFailures } from './failureCarrier';
import type { Keeper } from './keeper';

export type * from './deviceKeeper';
export type * from './keeper';
export type * from './readingKeeper';
export type * from './timeKeeper';
export type * from './trustKeeper';
export type * from './machine/wire';

/**
 * A keeper in a web worker where there are workers, else in this process. Throws a CircleFailure where the browser
 * cannot do what the keeper needs.
 */
export async function openKeeper(): Promise<Keeper> {
  await demandCryptography();
  if (typeof Worker === 'undefined') {
    const { LocalKeeper } = await import('./machine/local');
    return new LocalKeeper();
  }
  carryFailures();
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'circle-keeper' });
  // Every method of a Keeper is asynchronous already, so its remote form is the same.
  const keeper: Keeper = wrap<Keeper>(worker);
  await new Promise<void>((resolve, reject) => {
    const fail = () => { reject(new CircleFailure('WORKER', 'The part of Circle that holds your keys did not start. Please reload the page.')); };
    worker.addEventListener('error', fail, { once: true });
    keeper.isThere().then(() => { resolve(); }, fail);
  });
  return keeper;
}

/** Signatures are the browser's own, without a fallback (e2ee.md section 1). */
async function demandCryptography(): Promise<void> {
  if (!('subtle' in crypto)) throw new CircleFailure('INSECURE', 'Circle needs a secure connection. Please open it with https.');
  try {
    await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify']);
  } catch {
    throw new CircleFailure('BROWSER_TOO_OLD', 'This browser is too old for Circle. Please update it, or use another one.');
  }
}
