/** What a conversation keeps, and for how long. */
import { CircleFailure } from '../errors';
import type { PolicyActions } from '../types';

const soon = () => Promise.reject(new CircleFailure('NOT_SUPPORTED', 'This app cannot do that yet.'));

export class Policy implements PolicyActions {
  readonly set: PolicyActions['set'] = soon;
}
