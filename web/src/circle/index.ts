export type * from './types';
export { ClientProvider, useCircle, useClient, useConversationByAddress, useMe } from './provider';
export { errorCode, plainMessage } from './errors';
export {
  addressOf,
  canAdd,
  canChangeRole,
  canRemove,
  canRename,
  colourId,
  describe,
  directWith,
  leaveProblem,
  noun,
  otherPerson,
  ROLE_ORDER,
  ROLES,
  writeProblem,
} from './rules';
