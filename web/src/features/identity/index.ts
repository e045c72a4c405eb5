export { Invites } from './Invites';
export { Join } from './Join';
export { NoKeys } from './NoKeys';
export { SessionList } from './SessionList';
export { useSignOut } from './useSignOut';
export { Locked, SignedOut } from './Welcome';
