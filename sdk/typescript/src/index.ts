/** `@circle/client`: Circle in TypeScript. What the web interface uses, and all that it uses. */
import { Client } from './engine/client';
import type { ClientOptions } from './engine/parts';
import type { CircleClient } from './types';

export type * from './types';
export type { ClientOptions } from './engine/parts';

/** A client of the Circle at `origin`; call `start()` before anything else. */
export function createCircleClient(options: ClientOptions): CircleClient {
  return new Client(options);
}
