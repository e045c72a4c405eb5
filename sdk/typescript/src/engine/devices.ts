/** The member's devices: linked, named, taken out. */
import { CircleFailure } from '../errors';
import type { DeviceActions } from '../types';

const soon = () => Promise.reject(new CircleFailure('NOT_SUPPORTED', 'This app cannot do that yet.'));

export class Devices implements DeviceActions {
  readonly list: DeviceActions['list'] = soon;
  readonly rename: DeviceActions['rename'] = soon;
  readonly revoke: DeviceActions['revoke'] = soon;
  readonly offer: DeviceActions['offer'] = soon;
  readonly read: DeviceActions['read'] = soon;
  readonly answer: DeviceActions['answer'] = soon;
}
