/** How this browser's store of keys is locked. */
import { CircleFailure } from '../errors';
import type { LockActions } from '../types';

const soon = () => Promise.reject(new CircleFailure('NOT_SUPPORTED', 'This app cannot do that yet.'));

export class Locking implements LockActions {
  readonly state: LockActions['state'] = soon;
  readonly addPasskey: LockActions['addPasskey'] = soon;
  readonly removePasskey: LockActions['removePasskey'] = soon;
  readonly unlockWithPasskey: LockActions['unlockWithPasskey'] = soon;
  readonly setPassphrase: LockActions['setPassphrase'] = soon;
  readonly setIdleMinutes: LockActions['setIdleMinutes'] = soon;
}
