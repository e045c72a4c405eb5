export { ChangedBanner } from './ChangedBanner';
export { NewKeysMark } from './NewKeysMark';
export { Profile } from './Profile';
export { Readmit } from './Readmit';
export { VerifiedMark } from './VerifiedMark';
export { useProfile, useReadmit } from './model';
