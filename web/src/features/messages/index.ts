export { Conversation } from './Conversation';
export { useDrafts } from './drafts';
export { useLifetimeMenu } from './LifetimeMenu';
