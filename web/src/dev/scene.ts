import type { StoreApi } from 'zustand/vanilla';
import type { Alarm, CircleState, ConversationState, DeviceInfo, KnownAccount, LockState, Person } from '../circle';

/** What the fake world is like. `failing` lets every action fail with a plain sentence. */
export interface Scene {
  state?: Partial<CircleState>;
  failing?: boolean;
  hasOwner?: boolean;
  setUp?: boolean;
  known?: KnownAccount | null;
  people?: Person[];
  delay?: number;
  bare?: boolean;
  devices?: DeviceInfo[];
  lock?: Partial<LockState>;
  /** What may be done about alarms; everything, where it says nothing. */
  alarm?: Partial<Alarm>;
  /** Signing in leads to 'no-keys', as on a browser that one has never used. */
  newBrowser?: boolean;
  /** How long a request to be let in is valid, in milliseconds. */
  linkFor?: number;
}

/** What the parts of the fake client share. */
export interface World {
  readonly scene: Scene;
  readonly store: StoreApi<CircleState>;
  /** Takes the scene's time, then fails if the scene is a failing one. */
  readonly pause: () => Promise<void>;
  readonly patch: (id: string, change: (one: ConversationState) => Partial<ConversationState>) => void;
  readonly notice: (id: string, text: string) => void;
}

export class FakeError extends Error {
  constructor(
    message: string,
    readonly code = 'FAKE',
  ) {
    super(message);
  }
}
