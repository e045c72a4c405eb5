/** Several devices of one member, the recovery key and the reset of an identity, as the interface sees them. */

export interface DeviceInfo {
  id: string;
  name: string;
  /** Such as 'Chromium on Linux'; null where the device told none. */
  platform: string | null;
  createdAt: number;
  lastSeenAt: number | null;
  isCurrent: boolean;
}

/** On the new device, which has signed in but holds no keys (phase 'no-keys'). */
export interface PendingLink {
  /** Twelve words of the list that the recovery key uses as well. */
  words: string[];
  /** What a linked device scans: `circle-link:` and base64url. */
  qr: string;
  expiresAt: number;
  /** Resolves when a linked device has let this one in: the phase is 'ready' then. */
  done: Promise<void>;
  cancel(): void;
}

/** On a linked device: who asks to be let in. */
export interface LinkRequest {
  deviceName: string;
  expiresAt: number;
}

/** A recovery key that takes effect when it is confirmed. */
export interface PendingRecoveryKey {
  /** Twenty-four words; the last holds a checksum. */
  words: string[];
}

export interface DeviceActions {
  list(): Promise<DeviceInfo[]>;
  rename(id: string, name: string): Promise<void>;
  /** Takes the device out for good: new keys, its sessions end, it wipes what it holds when it next speaks. */
  revoke(id: string): Promise<void>;
  /** Phase 'no-keys' only: asks to be let in by a device that has the keys. */
  offer(): Promise<PendingLink>;
  /** On a linked device: finds and checks the request behind the words or the scanned text. */
  read(wordsOrQr: string): Promise<LinkRequest>;
  /** On a linked device, after the person agreed: lets the new device in. */
  answer(request: LinkRequest): Promise<void>;
}

export interface RecoveryActions {
  /** Phase 'no-keys' only: opens everything with the recovery key alone. */
  recover(words: string[]): Promise<void>;
  /** Makes a new recovery key; the old one stays in force until `confirm`. */
  renew(): Promise<PendingRecoveryKey>;
  confirm(pending: PendingRecoveryKey): Promise<void>;
  /**
   * The person has typed back all the words of the key in force: stops the reminder. Throws WRONG_RECOVERY_KEY, and
   * leaves the reminder, where these are the words of another key.
   */
  acknowledge(words: string[]): Promise<void>;
  /** Phase 'no-keys' only, all devices and the recovery key lost: begins anew with a new identity. */
  reset(password: string): Promise<PendingRecoveryKey>;
  confirmReset(pending: PendingRecoveryKey): Promise<void>;
}
