/** The recovery key and the reset of an identity. */
import { CircleFailure } from '../errors';
import type { RecoveryActions } from '../types';

const soon = () => Promise.reject(new CircleFailure('NOT_SUPPORTED', 'This app cannot do that yet.'));

export class Recovery implements RecoveryActions {
  readonly recover: RecoveryActions['recover'] = soon;
  readonly renew: RecoveryActions['renew'] = soon;
  readonly confirm: RecoveryActions['confirm'] = soon;
  readonly acknowledge: RecoveryActions['acknowledge'] = soon;
  readonly reset: RecoveryActions['reset'] = soon;
  readonly confirmReset: RecoveryActions['confirmReset'] = soon;
}
