export { Conversation } from './Conversation';
export { typingWords } from './typingWords';
export { useDrafts } from './drafts';
export { useLifetimeMenu } from './LifetimeMenu';
