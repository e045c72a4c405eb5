/** How this browser's store of keys is locked. */

export interface LockState {
  /** A passkey of this browser opens the store (WebAuthn PRF). */
  passkey: boolean;
  /** Whether this browser can use a passkey for it at all. */
  canUsePasskey: boolean;
  /** A passphrase of this browser alone is asked for at every start and reload, in place of the password. */
  passphrase: boolean;
  /** Locks after so many minutes without use; null: never. */
  idleMinutes: number | null;
}

export interface LockActions {
  state(): Promise<LockState>;
  addPasskey(): Promise<void>;
  removePasskey(): Promise<void>;
  /** In phase 'locked': opens the store with the passkey. */
  unlockWithPasskey(): Promise<void>;
  /** null takes the passphrase away. `unlock` takes the passphrase where one is set. */
  setPassphrase(passphrase: string | null): Promise<void>;
  setIdleMinutes(minutes: number | null): Promise<void>;
}
