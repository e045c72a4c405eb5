/** What the engine may ask of the keeper of keys: the whole door to secrets, as plain asynchronous calls. */
import type { Bytes } from './protocol/bytes';
import type { PasswordParameters } from './protocol/password';
import type { DeviceKeeper } from './deviceKeeper';
import type { ReadingKeeper } from './readingKeeper';
import type { TimeKeeper } from './timeKeeper';
import type { TrustKeeper } from './trustKeeper';
import type {
  EpochBytes, EpochInputBytes, Identity, ItemView, LinkBytes, LogEvent, MemberLinkBytes, Needs, NewConversation, Pending, PersonRecord,
  RosterChange, Sealed, Snapshot, SpaceChange, SpaceView,
} from './machine/wire';
import type { ConversationType, LifetimeClass, SpaceRole } from '../types';

export interface StretchedPassword {
  /** Names the root that stays with the keeper until it is used or the keeper is locked. */
  ticket: string;
  authKey: Bytes;
}

export interface NewAccountInput {
  ticket: string;
  handle: string;
  displayName: string;
  deviceName: string;
  /** Of the join link. */
  fragment: string;
  /** Who the server says has made the invite: the ID in the link is pinned for this member. */
  inviter: string | null;
  database: string;
}

/** Everything that signing up sends, none of it secret, and the wrapped key to store. */
export interface NewAccount {
  words: string[];
  member: string;
  device: string;
  wrapped: Bytes;
  invite: Bytes;
  mac: Bytes | null;
  identity: MemberLinkBytes;
  deviceSeal: LinkBytes;
  memberKey: LinkBytes;
  boxes: { device: Bytes; box: Bytes }[];
  account: LinkBytes;
}

export interface KnownAccount {
  member: string;
  device: string;
  wrapped: Bytes;
  database: string;
}

/** A browser session's two halves and what they open together. */
export interface BrowserSession {
  half: Bytes;
  key: CryptoKey;
  blob: Bytes;
}

export interface Loaded {
  me: PersonRecord | null;
  people: PersonRecord[];
  spaces: { view: SpaceView; items: ItemView[] }[];
}

export interface OwnInvite {
  fragment: string;
  tokenHash: Bytes;
}
export interface UsedInvite {
  tokenHash: Bytes;
  mac: Bytes | null;
  usedBy: string | null;
}

/** Every method may throw a CircleFailure with a plain sentence. */
export interface Keeper extends DeviceKeeper, ReadingKeeper, TimeKeeper, TrustKeeper {
  /** Resolves when the keeper runs. */
  isThere(): Promise<true>;

  // ---- the account
  stretch(password: string, parameters: PasswordParameters): Promise<StretchedPassword>;
  makeAccount(input: NewAccountInput): Promise<NewAccount>;
  /** Writes the new account's keys to the store of this browser; call before anything is sent. */
  keepAccount(member: string, me: { handle: string; displayName: string }): Promise<void>;
  /** False when the password is not the one. */
  unlock(account: KnownAccount, ticket: string): Promise<boolean>;
  startBrowserSession(): Promise<BrowserSession>;
  resumeBrowserSession(account: KnownAccount, session: BrowserSession): Promise<boolean>;
  lock(): Promise<void>;

  // ---- what is kept
  load(): Promise<Loaded>;
  rememberPeople(people: PersonRecord[]): Promise<void>;
  rememberMe(me: PersonRecord): Promise<void>;
  cursor(): Promise<string | null>;
  keepCursor(cursor: string | null): Promise<void>;
  /** The last entry of the member's own account log that this device has applied. */
  accountHead(): Promise<number>;
  /** The lowest entry of a conversation's log that this device knows. */
  start(space: string): Promise<number>;
  items(space: string, beforeSeq: number | null, count: number): Promise<ItemView[]>;

  // ---- learning and judging
  needs(events: LogEvent[]): Promise<Needs>;
  /** Those of the members whose chains this device does not know. */
  unknownOf(members: string[]): Promise<string[]>;
  /** With `common`, epochs announced after that entry are asked for anew (`acceptState`). */
  needsOf(snapshot: Snapshot, common?: number): Promise<Needs>;
  /** Those that contradict what was seen before raise an alarm in their conversations; their old state stays. */
  learnIdentities(identities: Identity[]): Promise<SpaceChange[]>;
  /** The same, but those are named in `again` and nothing is said: a newer answer may have overtaken this one. */
  tryIdentities(identities: Identity[]): Promise<{ changes: SpaceChange[]; again: string[] }>;
  /** `null` for an epoch that the server does not show. */
  learnEpoch(space: string, number: number, epoch: EpochBytes | null): Promise<void>;
  /** `isAfresh`: the lines kept before are forgotten for those of the snapshot, as when keys came later than messages. */
  openSpace(snapshot: Snapshot, hasOlder: boolean, isAfresh?: boolean): Promise<SpaceChange>;
  /** Applies events in order and keeps the cursor in the same transaction. */
  apply(events: LogEvent[], cursor: string | null): Promise<SpaceChange[]>;
  /** Events before the ones known, ascending and ending just below them. */
  applyOlder(space: string, events: LogEvent[], hasOlder: boolean): Promise<SpaceChange>;
  /** Epochs that this device cannot open although somebody may give it their keys. */
  missing(space: string): Promise<number[]>;
  /** What must be fetched before epochs that were offered can be looked at again. */
  needsOfEpochs(space: string, numbers: number[]): Promise<Needs>;
  /**
   * Looks again at epochs learned anew; true when some of `missing` can be opened now: what lies under them must then be
   * read again (`openSpace` afresh, `rereadAccount`).
   */
  retryEpochs(space: string, numbers: number[]): Promise<boolean>;
  closeSpace(space: string): Promise<SpaceChange>;
  /** Compares a head that the server names with what is known here; null when they agree or it is newer. */
  checkHead(space: string, seq: number, hash: Bytes): Promise<SpaceChange | null>;
  raiseAlarm(space: string, alarm: string): Promise<SpaceChange>;

  // ---- making
  makeConversation(input: {
    type: ConversationType;
    people: { member: string; role: SpaceRole }[];
    title: string | null;
    picture: { bytes: Bytes; mediaType: string } | null;
    /** Where nothing is chosen, messages stay and newcomers read what comes after them. */
    policy?: { lifetime: LifetimeClass; shared: boolean };
  }): Promise<NewConversation>;
  makeRosterLink(space: string, change: RosterChange): Promise<LinkBytes>;
  /** Whether the newest epoch's list has been checked against the members' chains and keys. */
  isEpochChecked(space: string): Promise<boolean>;
  /** Checks the newest epoch's list; throws RECIPIENTS_CHANGED when it does not fit. */
  checkRecipients(space: string): Promise<void>;
  makeEpoch(space: string): Promise<EpochInputBytes>;
  /** The server says that an epoch is due for a reason that it alone counts (hours, envelopes). */
  markDue(space: string): Promise<SpaceChange>;
  /** The server says that no epoch is due: so it is, unless the log itself says otherwise. */
  markNotDue(space: string): Promise<SpaceChange>;

  // ---- the outbox
  /** `lifetime` is the policy's where none is chosen, and never longer. */
  queueText(space: string, text: string, lifetime?: LifetimeClass): Promise<SpaceChange>;
  queueState(space: string, title: string, picture: { bytes: Bytes; mediaType: string } | null): Promise<SpaceChange>;
  pending(): Promise<Pending[]>;
  isSealed(key: string): Promise<boolean>;
  /** Whether it was sealed for longer than the conversation keeps anything by now: it must be sealed again. */
  isTooLasting(key: string): Promise<boolean>;
  /** The sealed envelope of a queued message, sealed anew under the same id only when `again` is set. Throws GONE. */
  seal(key: string, again: boolean): Promise<Sealed>;
  sent(key: string, seq: number, item: Bytes): Promise<SpaceChange>;
  failed(key: string, reason: string): Promise<SpaceChange>;
  requeue(key: string): Promise<SpaceChange>;
  discard(key: string): Promise<SpaceChange>;

  // ---- invites
  makeInvite(): Promise<OwnInvite>;
  /** For each: true and pinned, false when it does not prove what it should, null when this device cannot tell. */
  verifyInvites(used: UsedInvite[]): Promise<(boolean | null)[]>;
}
