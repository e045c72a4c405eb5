export { AccountAlarm } from './AccountAlarm';
export { ConversationAlarm } from './ConversationAlarm';
