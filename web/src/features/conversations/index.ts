export { ConversationList } from './ConversationList';
export { Details } from './Details';
export { NewConversation } from './NewConversation';
export { matches, previewOf, useNewConversation } from './model';
