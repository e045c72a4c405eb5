/** What a tab holds of its account in memory, shared by those that act on it and by nobody else. */
import type * as gql from '../gql/generated';
import type { AccountRecord } from '../store/accounts';
import type { StretchParameters } from './session';

/** Signed in with a password, or by a session that goes on, and without keys on this browser. */
export interface Guest {
  viewer: gql.ViewerFieldsFragment;
  parameters: StretchParameters;
  /** Of the stretched password: wraps a new device's store. */
  ticket: string;
}

export class Held {
  current: AccountRecord | null = null;
  guest: Guest | null = null;
  /** The device that the session named when this browser had forgotten everything else, or one that took no keys. */
  lost: { device: string; isCertain: boolean } | null = null;
  /** What signs in again without asking, kept only from an unlock until the server has answered once. */
  authKey: string | null = null;
  /** Opened without the password: where the session has ended too, one signs in with it. */
  isWithoutPassword = false;
}
