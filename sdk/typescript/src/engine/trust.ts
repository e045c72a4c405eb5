/** Who is who, and what to do about alarms. */
import { CircleFailure } from '../errors';
import type { TrustActions } from '../types';

const soon = () => Promise.reject(new CircleFailure('NOT_SUPPORTED', 'This app cannot do that yet.'));

export class Trust implements TrustActions {
  readonly safetyNumber: TrustActions['safetyNumber'] = soon;
  readonly setVerified: TrustActions['setVerified'] = soon;
  readonly compare: TrustActions['compare'] = soon;
  readonly readmit: TrustActions['readmit'] = soon;
  readonly alarm: TrustActions['alarm'] = soon;
  readonly offerMissing: TrustActions['offerMissing'] = soon;
  readonly acceptState: TrustActions['acceptState'] = soon;
}
