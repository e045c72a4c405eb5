/**
 * The part of the keeper's door that has to do with who is who, the member's own account space, and alarms (e2ee.md
 * sections 5, 7 and 12; docs/decisions/0080). Ids of members and spaces are lower-case hex.
 */
import type { Bytes } from './protocol/bytes';
import type { Identity, LogEvent, Snapshot, SpaceChange } from './machine/wire';

/** What the account space says, on whichever of the member's devices it was written. */
export interface AccountView {
  /** Null before its first entry was read. */
  space: string | null;
  /** Members whose present identity bears a verified mark. */
  verified: string[];
  /** The recovery key in force was written down. */
  recoveryKeyConfirmed: boolean;
  /** Why nothing is written to it any more, in plain words. */
  alarm: string | null;
}

export interface SafetyView {
  groups: string[];
  qr: string;
  verified: boolean;
  identityChanged: boolean;
}

export interface AlarmView {
  text: string;
  canOffer: boolean;
  canAccept: boolean;
}

/** Something that this device has signed and the log has held, in the form that the ordinary mutation takes. */
export type OwnEntry = { seq: number; item: Bytes } & (
  | { kind: 'envelope'; envelope: Bytes }
  | { kind: 'roster' | 'complaint'; body: Bytes; signature: Bytes }
  | { kind: 'epoch'; announcement: Bytes; signature: Bytes; recipients: Bytes; seals: Bytes[] }
);

/** How far the server's log and this device's agree. */
export interface Level {
  /** `same`: nothing is missing; `lost`: the server's ends earlier; `other`: it holds something else. */
  how: 'same' | 'lost' | 'other';
  /** The next entry that the server lacks, where this device may give it back. */
  next: OwnEntry | null;
}

export interface TrustKeeper {
  // ---- the account space
  account(): Promise<AccountView>;
  /** Queues the entry; the engine sends what waits in the account's space (SpaceView.isAccount). */
  setRecoveryKeyConfirmed(confirmed: boolean): Promise<void>;
  /** Keys of earlier entries have come: reads the account's log, all of it, once more. */
  rereadAccount(events: LogEvent[]): Promise<void>;
  /** Queues pins that changed, at most once in ten minutes but for what is told at once; true when there is something to send. */
  queuePins(): Promise<boolean>;
  /** Members of whom another device has seen more than this one: their chains are to be learned. */
  behind(): Promise<string[]>;
  /** Level with the server: every space must have reached what another device has seen of it. Raises alarms. */
  checkBounds(): Promise<SpaceChange[]>;

  // ---- who is who; learn the member's identity before
  safetyNumber(member: string): Promise<SafetyView>;
  /** Queues the mark for the member's present identity. */
  setVerified(member: string, verified: boolean): Promise<void>;
  /** Whether a scanned text holds exactly these two identities; then the member is marked. Throws BAD_CODE for another text. */
  compareSafety(member: string, qr: string): Promise<boolean>;

  // ---- alarms
  alarmOf(space: string): Promise<AlarmView | null>;
  /** Raises the alarm in conversations that a complete list of the server leaves out although nobody removed this member. */
  checkListed(present: string[]): Promise<SpaceChange[]>;
  /** Compares a head of the server's with the own log. Takes back the alarm of a shorter log once nothing is missing. */
  level(space: string, seq: number, hash: Bytes): Promise<Level & { change: SpaceChange | null }>;
  /** The newest of these entries that this device's log holds as well; null where there is none among them. */
  commonPoint(space: string, events: LogEvent[]): Promise<number | null>;
  /**
   * The person has decided: what the server shows now is believed from the entry `common` on (0: from the beginning),
   * the evidence is kept, and lines that are no longer in the log stay as this device's own history. `snapshot` is null
   * where the server shows nothing any more. Throws UNVERIFIED (and nothing happens) where it cannot be verified.
   */
  acceptState(space: string, common: number, snapshot: Snapshot | null, identities: Identity[]): Promise<SpaceChange[]>;
  /** The same decision about the account's own log: it is to be read again from its first entry. */
  restartAccount(): Promise<void>;
}
