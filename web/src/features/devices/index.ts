export { DeviceList } from './DeviceList';
export { NewDevice } from './NewDevice';
export { RecoveryReminder } from './RecoveryReminder';
export { RecoverySettings } from './RecoverySettings';
