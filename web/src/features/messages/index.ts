export { Conversation } from './Conversation';
export { useDrafts } from './drafts';
