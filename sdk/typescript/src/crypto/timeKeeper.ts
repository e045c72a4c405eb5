/** The part of the keeper's door that has to do with time, complaints and locks (e2ee.md sections 5, 6, 9 and 12). */
import type { Bytes } from './protocol/bytes';
import type { KnownAccount } from './keeper';
import type { LinkBytes, SpaceChange } from './machine/wire';

/** What opens the store besides the password; each wraps the same store key, none is secret by itself. */
export interface PassphraseSlot {
  salt: Bytes;
  memoryKib: number;
  iterations: number;
  lanes: number;
  wrapped: Bytes;
  /** The password's slot, under the store key: it opens nothing while there is a passphrase, and comes back after it. */
  parked: Bytes;
}

export interface TimeKeeper {
  // ---- lifetimes
  /** Deletes what is over: lines, titles, waiting messages, keys of closed epochs (SpaceView.expires says when next). */
  expire(): Promise<SpaceChange[]>;

  // ---- complaints and grants
  /** The complaint about an epoch whose seal does not open (SpaceView.complains), or null when there is none to make. */
  takeComplaint(space: string): Promise<{ epoch: number; complaint: LinkBytes } | null>;
  /** The server has it, or refuses one more in this hour: the next about this epoch is made an hour later. */
  complained(space: string, epoch: number): Promise<SpaceChange>;
  /** Epochs that must be fetched before this member is given history (`learnEpoch`, `retryEpochs`), the newest first. */
  unlearned(space: string, member: string): Promise<number[]>;
  /** What a newcomer or complainer may be given, in parts that the server takes; empty where there is nothing. */
  makeGrants(space: string, member: string): Promise<{ grant: Bytes; generation: number }[]>;
  /** The member was given what they lacked. */
  repaid(space: string, member: string): Promise<SpaceChange>;

  // ---- locks; all but `unlockWith…` throw LOCKED while the store is closed
  /** A slot that opens with the passphrase, in the place of the password's or of an earlier passphrase. */
  makePassphraseSlot(account: KnownAccount, passphrase: string, before: PassphraseSlot | null): Promise<PassphraseSlot>;
  /** The password's slot of before. */
  restorePasswordSlot(slot: PassphraseSlot): Promise<Bytes>;
  /** False when the passphrase is not the one. */
  unlockWithPassphrase(account: KnownAccount, slot: PassphraseSlot, passphrase: string): Promise<boolean>;
  /** A slot that opens with the PRF output of a passkey. */
  makePasskeySlot(secret: Bytes): Promise<Bytes>;
  /** False when the secret is not the one. */
  unlockWithPasskey(account: KnownAccount, slot: Bytes, secret: Bytes): Promise<boolean>;
}
