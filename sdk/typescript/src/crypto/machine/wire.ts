/** What crosses the door between the engine (network, state) and the machine (keys, chains): plain data, no secrets. */
import type { Bytes } from '../protocol/bytes';
import type { ConversationType, HistoryPolicy, LifetimeClass, SpaceRole } from '../../types';

/** Ids are lower-case hex of the raw bytes; `node` is the API's opaque id. */
export interface PersonRecord {
  id: string;
  node: string;
  handle: string;
  displayName: string;
  serverRole: 'OWNER' | 'ADMIN' | 'MEMBER';
}

export interface LinkBytes {
  body: Bytes;
  signature: Bytes;
}
export interface MemberLinkBytes extends LinkBytes {
  cosignature: Bytes | null;
}

/** A member's chain from link 0 and newest key, as the server tells them. */
export interface Identity {
  person: PersonRecord;
  links: MemberLinkBytes[];
  key: LinkBytes;
}

export interface EpochBytes {
  number: number;
  announcement: Bytes;
  signature: Bytes;
  recipients: Bytes;
  acceptedAt: number;
  /** The viewer's own seal. */
  seal: Bytes | null;
  grants: { id: string; grant: Bytes; giver: string; generation: number }[];
}

export type EventBody =
  | { kind: 'envelope'; envelope: Bytes | null }
  | ({ kind: 'roster' } & LinkBytes)
  | { kind: 'epoch'; announcement: Bytes; signature: Bytes }
  | ({ kind: 'complaint' } & LinkBytes)
  | ({ kind: 'member' } & MemberLinkBytes);

/** One entry of a space's durable log. */
export interface LogEvent {
  space: string;
  node: string;
  isAccount: boolean;
  seq: number;
  item: Bytes;
  logHash: Bytes;
  acceptedAt: number;
  body: EventBody;
}

/** A conversation as of one moment. `events` are its newest, ascending, and end at the head. */
export interface Snapshot {
  space: string;
  node: string;
  head: number;
  headHash: Bytes;
  createdAt: number;
  due: boolean;
  rosterLinks: LinkBytes[];
  epoch: EpochBytes | null;
  state: LogEvent | null;
  events: LogEvent[];
  /** The members' receipts and the own marker. */
  markers: MarkerBytes[];
}

export type MarkerScope = 'OWN' | 'RECEIPT';

/** A member's sealed position in a conversation, as the server tells it. */
export interface MarkerBytes {
  space: string;
  node: string;
  member: string;
  scope: MarkerScope;
  version: number;
  /** Null once it has expired. */
  envelope: Bytes | null;
  acceptedAt: number;
}

/** What a receipt says: each can be switched off. */
export interface Tells {
  delivered: boolean;
  read: boolean;
}

/** A marker to set in the place of `version`, and what it says. */
export interface MadeMarker {
  scope: MarkerScope;
  version: number;
  envelope: Bytes;
  delivered: number;
  read: number;
}

/** What the machine must be told before it can judge some events. */
export interface Needs {
  members: string[];
  epochs: { space: string; node: string; number: number; isAccount: boolean }[];
  /** An epoch is sealed to a newer generation of the own key: learn the own identity, and take the key. */
  ownKey: boolean;
  /** An epoch opens by what rotations carried over: fetch archive and wraps (`learnWraps`). */
  wraps: boolean;
}

/** A change of a conversation in a form that names people by id; the engine puts it in words. */
export type Notice =
  | { what: 'created'; by: string; lifetime?: LifetimeClass }
  | { what: 'added'; by: string; member: string }
  | { what: 'removed'; by: string; member: string }
  | { what: 'left'; by: string }
  | { what: 'role'; by: string; member: string; role: SpaceRole }
  /** What has changed of it; neither where a policy was set to what it was. */
  | { what: 'policy'; by: string; lifetime?: LifetimeClass; history?: HistoryPolicy }
  /** A member's device could not open the keys that `creator` made; they get them from others, and new ones are made. */
  | { what: 'complaint'; by: string; creator: string }
  | { what: 'title' | 'picture'; by: string; title: string }
  | { what: 'reset'; by: string }
  /** Let in again after a reset. */
  | { what: 'readmitted'; by: string; member: string }
  /** Around the lines that only this device still has: the person went on with what the server shows. */
  | { what: 'kept' | 'kept-end'; by: string; count: number };

export type ItemBody = { kind: 'text'; text: string } | { kind: 'notice'; notice: Notice } | Unreadable;

/** `isNoLine`: what is sealed there is no message, so that nothing stands in its place. */
export interface Unreadable {
  kind: 'unreadable';
  reason: string;
  isNoLine?: true;
}

export interface ItemView {
  /** Hex envelope id, or `seq:N`. */
  key: string;
  seq: number | null;
  time: number;
  sender: string | null;
  body: ItemBody;
  state: 'sending' | 'sent' | 'failed';
  error?: string;
  lifetime: LifetimeClass;
  /** Milliseconds since 1970; null where it stays. */
  expiresAt: number | null;
}

export interface SpaceView {
  space: string;
  node: string;
  type: ConversationType;
  title: string | null;
  picture: { bytes: Bytes; mediaType: string } | null;
  /** The member's own account space: it works like a conversation and is shown nowhere. */
  isAccount: boolean;
  /** `changed`: the member's identity is another than the one that was let in. */
  roster: { member: string; role: SpaceRole; changed: boolean }[];
  role: SpaceRole | null;
  head: number;
  /** The lowest seq of the items that this device keeps. */
  oldest: number;
  /** True when the server holds older events than this device. */
  hasOlder: boolean;
  lastActivity: number;
  /** The own read mark: everything up to this seq was read, on any device. */
  read: number;
  /** Messages of others after the own read mark that this device holds, and whether there may be more. */
  unread: number;
  isMoreUnread: boolean;
  /** Seq of the first of them, or null. */
  firstUnread: number | null;
  /** How far the other present members have received and read, as far as it was told. */
  receipts: { member: string; delivered: number; read: number }[];
  /** What the server has not heard yet: the own read mark, and what receipts would say. */
  untold: { own: boolean; delivered: boolean; read: boolean };
  alarm: string | null;
  /** True when an epoch must be made before the next envelope. */
  due: boolean;
  /** Number of the newest epoch, 0 before the first. */
  epoch: number;
  /** When the newest epoch was accepted, in milliseconds since 1970; 0 before the first. */
  epochAt: number;
  /** The policy's. */
  lifetime: LifetimeClass;
  history: HistoryPolicy;
  /** Newcomers and complainers who are to be given keys before the next epoch. */
  owes: string[];
  /** Those of them whom this device gives the keys at once. */
  answers: string[];
  /** Those whom it gives them at a time, in milliseconds since 1970, unless it makes the next epoch before. */
  answersLater: { member: string; at: number }[];
  /** When this device is to complain of keys that it could not open, in milliseconds since 1970; null: of nothing. */
  complains: number | null;
  /** How many epochs were learned without a key that may still come (`Keeper.missing`). */
  keyless: number;
  /** When something kept here expires next (TimeKeeper.expire), or null. */
  expires: number | null;
  /** When this member, an owner, should seal the title anew, or null. */
  renewsTitle: number | null;
}

/** What changed in one space, for the state that is shown. */
export interface SpaceChange {
  view: SpaceView;
  items: ItemView[];
  /** Keys of items that are no longer shown. */
  gone: string[];
}

export interface EpochInputBytes {
  announcement: Bytes;
  signature: Bytes;
  recipients: Bytes;
  seals: Bytes[];
}

export interface NewConversation {
  space: string;
  link: LinkBytes;
  epoch: EpochInputBytes;
  state: Bytes | null;
}

export type RosterChange =
  | { what: 'add'; member: string; role: SpaceRole }
  | { what: 'remove'; member: string }
  /** Lets a present member in with the present identity. */
  | { what: 'readmit'; member: string }
  | { what: 'role'; member: string; role: SpaceRole }
  /** What is left out stays as it is. */
  | { what: 'policy'; lifetime?: LifetimeClass; history?: HistoryPolicy };

/** An envelope of the outbox, sealed. */
export interface Sealed {
  key: string;
  envelope: Bytes;
  /** Number of the epoch that it is sealed under. */
  epoch: number;
}
export interface Pending {
  key: string;
  space: string;
  node: string;
  kind: 'text' | 'state';
  state: 'sending' | 'failed';
  error: string | null;
}
