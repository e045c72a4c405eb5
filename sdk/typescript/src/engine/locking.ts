/** How this browser's store of keys is locked: a passphrase in the password's place, a passkey beside it, and when. */
import type { Keeper } from '../crypto';
import { CircleFailure } from '../errors';
import type { LockActions, LockState } from '../types';
import type { Account } from './account';
import type { Idle } from './idle';
import type { Passkeys } from './passkeys';
import type { Outcome, SigningIn } from './signingIn';

/** As for the password: both are all that stands between a stolen disk and what it holds. */
const LEAST = 10;
const MOST_MINUTES = 30 * 24 * 60;
const SALT = 32;

export class Locking implements LockActions {
  readonly #keeper: Keeper;
  readonly #account: Account;
  readonly #signingIn: SigningIn;
  readonly #passkeys: Passkeys | null;
  readonly #idle: Idle;
  readonly #proceed: (outcome: Outcome) => Promise<void>;

  constructor(parts: {
    keeper: Keeper;
    account: Account;
    signingIn: SigningIn;
    /** Null where there are none. */
    passkeys: Passkeys | null;
    idle: Idle;
    /** Goes on after an unlock. */
    proceed: (outcome: Outcome) => Promise<void>;
  }) {
    this.#keeper = parts.keeper;
    this.#account = parts.account;
    this.#signingIn = parts.signingIn;
    this.#passkeys = parts.passkeys;
    this.#idle = parts.idle;
    this.#proceed = parts.proceed;
  }

  /** The keys are open: counts the minutes without use. */
  async start(): Promise<void> {
    this.#idle.start((await this.#account.locks()).idleMinutes);
  }

  stop(): void {
    this.#idle.stop();
  }

  async state(): Promise<LockState> {
    const { passphrase, passkey, idleMinutes } = await this.#account.locks();
    return { passkey: passkey !== null, canUsePasskey: (await this.#passkeys?.canUse()) ?? false, passphrase: passphrase !== null, idleMinutes };
  }

  /** Throws PASSKEY_UNSUPPORTED, PASSKEY_CANCELLED, LOCKED. A passkey that was added before opens nothing any more. */
  async addPasskey(): Promise<void> {
    const passkeys = this.#usable();
    await this.#account.relock(async ({ handle }, locks) => {
      const salt = crypto.getRandomValues(new Uint8Array(SALT));
      const { id, secret } = await passkeys.create(handle, salt);
      try {
        return { locks: { ...locks, passkey: { id, salt, wrapped: await this.#keeper.makePasskeySlot(secret) } } };
      } finally {
        secret.fill(0);
      }
    });
  }

  /** The browser keeps the passkey itself, which opens nothing any more. */
  async removePasskey(): Promise<void> {
    await this.#account.relock((_account, locks) => Promise.resolve({ locks: { ...locks, passkey: null } }));
  }

  /** Throws NO_PASSKEY, WRONG_PASSKEY, PASSKEY_UNSUPPORTED, PASSKEY_CANCELLED. */
  async unlockWithPasskey(): Promise<void> {
    const passkeys = this.#usable();
    await this.#proceed(await this.#signingIn.unlockWithPasskey((id, salt) => passkeys.derive(id, salt)));
  }

  /** Throws PASSPHRASE_SHORT, LOCKED. */
  async setPassphrase(passphrase: string | null): Promise<void> {
    if (passphrase !== null && Array.from(passphrase.normalize('NFKC')).length < LEAST) {
      throw new CircleFailure('PASSPHRASE_SHORT', `A passphrase has at least ${LEAST} characters.`);
    }
    await this.#account.relock(async (account, locks) => {
      const before = locks.passphrase;
      if (passphrase !== null) {
        return { locks: { ...locks, passphrase: await this.#keeper.makePassphraseSlot(account, passphrase, before) }, wrapped: new Uint8Array() };
      }
      return before ? { locks: { ...locks, passphrase: null }, wrapped: await this.#keeper.restorePasswordSlot(before) } : { locks };
    });
  }

  /** Throws INVALID, LOCKED. */
  async setIdleMinutes(minutes: number | null): Promise<void> {
    if (minutes !== null && (!Number.isInteger(minutes) || minutes < 1 || minutes > MOST_MINUTES)) {
      throw new CircleFailure('INVALID', 'Circle locks after 1 minute at the earliest, and after 30 days at the latest.');
    }
    await this.#account.relock((_account, locks) => Promise.resolve({ locks: { ...locks, idleMinutes: minutes } }));
    await this.start();
  }

  #usable(): Passkeys {
    if (!this.#passkeys) throw new CircleFailure('PASSKEY_UNSUPPORTED', 'This browser cannot use a passkey for Circle.');
    return this.#passkeys;
  }
}
