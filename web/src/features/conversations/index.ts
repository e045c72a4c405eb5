export { ConversationList } from './ConversationList';
export { Details } from './Details';
export { NewConversation } from './NewConversation';
export { PolicyWindow } from './PolicyWindow';
export { matches, previewOf, useNewConversation, usePolicyWindow } from './model';
