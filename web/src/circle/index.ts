export type * from './types';
export { ClientProvider, useCircle, useClient, useConversationByAddress, useMe, usePresence, useUnread } from './provider';
export { errorCode, plainMessage } from './errors';
export { HISTORY, LIFETIME_MS, LIFETIME_ORDER, LIFETIMES, shorterLifetimes } from './policy';
export {
  addressOf,
  canAdd,
  canChangeRole,
  canReadmit,
  canRemove,
  canRename,
  canSetPolicy,
  colourId,
  describe,
  directWith,
  isShutOut,
  leaveProblem,
  noun,
  otherPerson,
  ROLE_ORDER,
  ROLES,
  waitingPeople,
  whoCanReadmit,
  writeProblem,
} from './rules';
