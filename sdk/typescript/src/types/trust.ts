/** Who is who, what a conversation keeps and for how long, and what to do when the server contradicts itself. */
import type { TimelineItem } from '../types';

/** 0 stays; 1 hour, 8 hours, 1 day, 7, 30, 90 days (e2ee.md section 3). */
export type LifetimeClass = 0 | 1 | 2 | 3 | 4 | 5 | 6;
export type HistoryPolicy = 'JOINING' | 'SHARED';

export interface SafetyNumber {
  /** Twelve groups of five digits, the same on both sides. */
  groups: string[];
  /** Holds both identities; another device of Circle compares it. */
  qr: string;
  verified: boolean;
  /** The person was known by another identity before. */
  identityChanged: boolean;
}

/** Why sending stopped in a conversation, with what a person can decide. */
export interface Alarm {
  /** A plain sentence. */
  text: string;
  /** Whether the entries this device holds can be offered to a server restored from a backup. */
  canOffer: boolean;
  /** Whether the person may accept the server's present state as the new truth. */
  canAccept: boolean;
  /** False where the server no longer shows the conversation at all: to accept that means having left. */
  isListed: boolean;
}

/** What came of giving a server the entries back that it had lost. */
export interface Offered {
  /** How many entries the server took. */
  taken: number;
  /** Those of them that are lines of the conversation; keys, for example, are none. */
  given: TimelineItem[];
  /** How many entries the server still lacks; 0: nothing, and the alarm is over. */
  lacking: number;
  /** Those of them that are lines shown here. Who wrote one can give it back, from the device it was written on. */
  missing: TimelineItem[];
  /** Why the server did not take what came next of this device, in plain words; null where it refused nothing. */
  refused: string | null;
}

export interface TrustActions {
  safetyNumber(person: string): Promise<SafetyNumber>;
  setVerified(person: string, verified: boolean): Promise<void>;
  /** Compares a scanned code with the person's safety number and marks them as verified when it fits; false when it does not. */
  compare(person: string, qr: string): Promise<boolean>;
  /** After a person's reset: the explicit letting in again, in one conversation. */
  readmit(conversation: string, person: string): Promise<void>;
  /** What may be done about a conversation's alarm; null where there is none. In this and the next two, 'account' stands for the member's own account. */
  alarm(conversation: string): Promise<Alarm | null>;
  /** Offers the server the entries that it has lost and that this device has signed. */
  offerMissing(conversation: string): Promise<Offered>;
  /** The person decides to go on with what the server shows now. */
  acceptState(conversation: string): Promise<void>;
}

export interface PolicyActions {
  /** An admin's choice of how long messages stay and what newcomers may read. */
  set(conversation: string, policy: { lifetime?: LifetimeClass; history?: HistoryPolicy }): Promise<void>;
}
