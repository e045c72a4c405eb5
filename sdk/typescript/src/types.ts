import type { StoreApi } from 'zustand/vanilla';
import type { DeviceActions, RecoveryActions } from './types/devices';
import type { LockActions } from './types/lock';
import type { PresenceActions, PresenceShown } from './types/presence';
import type { ConversationReading, MessageReceipt, ReadingActions } from './types/reading';
import type { HistoryPolicy, LifetimeClass, PolicyActions, TrustActions } from './types/trust';

export type * from './types/devices';
export type * from './types/lock';
export type * from './types/presence';
export type * from './types/reading';
export type * from './types/trust';

export type Phase =
  | 'starting'      // nothing known yet
  | 'signed-out'    // no session
  | 'locked'        // session or known account on this browser, keys wrapped: needs the password
  | 'standing-by'   // another tab of this browser acts for the account: see takeOver
  | 'no-keys'       // signed in, but this browser does not hold the account's keys
  | 'ready';
export type Connection = 'connecting' | 'online' | 'offline';
/** The account whose keys, wrapped, lie on this browser. */
export interface KnownAccount { protocolId: string; handle: string; displayName: string }
export type SpaceRole = 'READER' | 'WRITER' | 'ADMIN' | 'OWNER';
export type ConversationType = 'DIRECT' | 'GROUP' | 'BROADCAST';

export interface Person { id: string; protocolId: string /* hex */; handle: string; displayName: string; serverRole: 'OWNER'|'ADMIN'|'MEMBER'; verified: boolean }
/** `changed`: the person's identity is new; they read nothing here until somebody lets them in again. */
export interface Participant { person: Person; role: SpaceRole; changed: boolean }
/** Why a message is not shown: its key is not here (yet), it is not for this person, it was refused, or it is from a newer Circle. */
export type UnreadableCode =
  | 'NO_KEY'          // the key may still come
  | 'LEFT_OUT'        // whoever made the key left this device out; it has complained
  | 'BEFORE_JOINING'
  | 'CHANGED' | 'REPEATED' | 'TOO_LATE' | 'NOT_THE_SENDER' | 'NOT_ALLOWED' | 'OTHER_HISTORY' // refused
  | 'NEWER_VERSION';
export type SendState = 'sending' | 'sent' | 'failed';
/** One line of a conversation. Order of display: sent ones by seq, then pending ones by localTime. */
export interface TimelineItem {
  key: string;                      // stable React key: hex envelope id, or `seq:N` for notices
  seq: number | null;               // null while not accepted
  time: number;                     // ms since 1970
  sender: Person | null; mine: boolean;
  body:
    | { kind: 'text'; text: string }
    | { kind: 'notice'; text: string }        // 'Ada added Bob', 'Ada changed the title' in plain words
    | { kind: 'unreadable'; code: UnreadableCode; reason: string }; // plain words; advice goes by the code
  state: SendState; error?: string;           // plain words when failed
  receipt: MessageReceipt | null;   // of own messages that were sent, where there are receipts
  expiresAt: number | null;         // ms since 1970, when it has a lifetime
  lifetime: LifetimeClass;
}
export interface ConversationState extends ConversationReading {
  id: string; protocolId: string; type: ConversationType;
  title: string;                    // for DIRECT the other person's name; for an unreadable title a plain placeholder
  pictureUrl: string | null;        // data: URL, from the sealed state
  role: SpaceRole | null;           // null: no longer a member
  participants: Participant[];
  items: TimelineItem[]; hasOlder: boolean; loadingOlder: boolean;
  lastActivity: number;
  lifetime: LifetimeClass;          // of the policy: the longest a message may stay
  history: HistoryPolicy;           // what newcomers may read
  alarm: string | null;             // plain words when the server's log does not fit (fork); sending is stopped
}
export interface CircleState extends PresenceShown {
  phase: Phase; connection: Connection;
  me: Person | null;
  conversations: Record<string, ConversationState>;  // by id
  order: string[];                                   // newest activity first
  syncing: boolean;                                  // first load or catching up
  recoveryKeyConfirmed: boolean;                     // false: the interface reminds
  accountAlarm: string | null;                       // plain words when the server's record of the account does not fit: see trust, with 'account'
  notice: string | null;                             // plain words about this device, such as why it was signed out and wiped
}
export interface SessionInfo { id: string; label: string; deviceName: string | null; createdAt: number; lastSeenAt: number; isCurrent: boolean }
export interface InviteInfo { id: string; role: 'OWNER'|'ADMIN'|'MEMBER'; createdAt: number; expiresAt: number; usedBy: Person | null; status: 'open'|'used'|'expired'|'revoked'; verified: boolean | null }
export interface InvitePreview { inviter: Person | null; isSetUp: boolean; expiresAt: number }
/** Thrown by every method: `message` is a plain sentence fit for a person, `code` is stable. */
export interface CircleError extends Error { code: string; retryAfter?: number }

export interface PendingSignUp { words: string[] /* 24 */ }
export interface CircleClient extends PresenceActions, ReadingActions {
  readonly store: StoreApi<CircleState>;
  readonly devices: DeviceActions;
  readonly recovery: RecoveryActions;
  readonly trust: TrustActions;
  readonly policy: PolicyActions;
  readonly locking: LockActions;
  dismissNotice(): void;
  start(): Promise<void>;
  stop(): void;
  serverInfo(): Promise<{ name: string; version: string; hasOwner: boolean }>;
  previewInvite(fragment: string): Promise<InvitePreview>;              // fragment of the join link, without '#'
  /** Makes all keys. Progress in words for anything over a second. Nothing is sent yet. */
  prepareSignUp(input: { fragment: string; handle: string; displayName: string; password: string; deviceName: string }): Promise<PendingSignUp>;
  completeSignUp(pending: PendingSignUp): Promise<void>;                // after the person confirmed the words
  signIn(input: { handle: string; password: string }): Promise<void>;   // leads to 'ready' or 'no-keys'
  unlock(password: string): Promise<void>;
  /** In phase 'standing-by': this tab acts for the account again, and the other one stands by. In any other phase nothing happens. */
  takeOver(): Promise<void>;
  lock(): Promise<void>;
  signOut(): Promise<void>;                                             // ends the session; keys stay wrapped on this browser
  knownAccount(): Promise<KnownAccount | null>;
  searchPeople(text: string): Promise<Person[]>;
  createConversation(input: { type: ConversationType; people: string[] /* Person ids */; title?: string; picture?: Blob; roles?: Record<string, SpaceRole>; lifetime?: LifetimeClass; history?: HistoryPolicy }): Promise<string>;
  openConversation(id: string): Promise<void>;                          // loads the newest page, reads nothing (see markRead); it is the open one until another is, or closeConversation
  loadOlder(id: string): Promise<void>;
  send(id: string, text: string, options?: { lifetime?: LifetimeClass }): Promise<void>;                        // resolves when queued; state shows in items
  retry(id: string, key: string): Promise<void>;
  discard(id: string, key: string): Promise<void>;
  setTitle(id: string, title: string, picture?: Blob | null): Promise<void>;
  addPeople(id: string, people: string[], role?: SpaceRole): Promise<void>;
  removePerson(id: string, person: string): Promise<void>;
  changeRole(id: string, person: string, role: SpaceRole): Promise<void>;
  leave(id: string): Promise<void>;
  createInvite(hours: number): Promise<{ url: string; expiresAt: number }>;
  listInvites(): Promise<InviteInfo[]>;
  revokeInvite(id: string): Promise<void>;
  listSessions(): Promise<SessionInfo[]>;
  revokeSession(id: string): Promise<void>;
}
