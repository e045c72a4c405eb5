export type * from './types';
export { ClientProvider, useCircle, useClient, useConversationByAddress, useMe } from './provider';
export { errorCode, plainMessage } from './errors';
