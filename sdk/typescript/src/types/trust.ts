/** Who is who, what a conversation keeps and for how long, and what to do when the server contradicts itself. */

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
  /** Offers the server the signed entries that it has lost; resolves with how many it took. */
  offerMissing(conversation: string): Promise<number>;
  /** The person decides to go on with what the server shows now. */
  acceptState(conversation: string): Promise<void>;
}

export interface PolicyActions {
  /** An admin's choice of how long messages stay and what newcomers may read. */
  set(conversation: string, policy: { lifetime?: LifetimeClass; history?: HistoryPolicy }): Promise<void>;
}
