/** Opens this browser's store of an account by whatever it is locked with, and keeps it open across a reload. */
import { toBase64, type Bytes } from '../bytes';
import type { Keeper } from '../crypto';
import { CircleFailure, codeOf } from '../errors';
import { isKept, locksOf, type AccountRecord } from '../store/accounts';
import type { BrowserSessions } from './browserSession';

const WRONG = new CircleFailure('WRONG_PASSWORD', 'This password is not right.');
const WRONG_PASSPHRASE = new CircleFailure('WRONG_PASSPHRASE', 'This passphrase is not right.');
const WRONG_PASSKEY = new CircleFailure('WRONG_PASSKEY', 'This passkey does not open Circle on this browser.');

/** `lost`: the browser has cleared the store, or what is left of it does not open. */
export type Opened = 'open' | 'wrong' | 'lost';

/** What an unlock came to; `authKey` signs in again without asking, where it was the password that was given. */
export interface Unlocked {
  opened: 'open' | 'lost';
  authKey: string | null;
}

export class Opening {
  readonly #keeper: Keeper;
  readonly #browser: BrowserSessions;

  constructor(parts: { keeper: Keeper; browser: BrowserSessions }) {
    this.#keeper = parts.keeper;
    this.#browser = parts.browser;
  }

  byTicket(account: AccountRecord, ticket: string): Promise<Opened> {
    return attempt(account, () => this.#keeper.unlock(account, ticket));
  }

  /** By what a reload finds; where there is a passphrase, every start and reload asks for it. */
  async bySession(account: AccountRecord): Promise<Opened> {
    const { passphrase, idleMinutes } = locksOf(account);
    const session = passphrase ? null : await this.#browser.find(account.member, idleMinutes);
    return attempt(account, () => (session ? this.#keeper.resumeBrowserSession(account, session) : Promise.resolve(false)));
  }

  /** By the passphrase where there is one, else by the password. Throws WRONG_PASSPHRASE, WRONG_PASSWORD. */
  async byWord(account: AccountRecord, word: string): Promise<Unlocked> {
    const { passphrase } = locksOf(account);
    if (passphrase) {
      const opened = await attempt(account, () => this.#keeper.unlockWithPassphrase(account, passphrase, word));
      return { opened: demandRight(opened, WRONG_PASSPHRASE), authKey: null };
    }
    const { ticket, authKey } = await this.#keeper.stretch(word, account);
    return { opened: demandRight(await this.byTicket(account, ticket), WRONG), authKey: toBase64(authKey) };
  }

  /** `derive` asks the passkey for its secret. Throws NO_PASSKEY, WRONG_PASSKEY, and what it throws. */
  async byPasskey(account: AccountRecord, derive: (id: Bytes, salt: Bytes) => Promise<Bytes>): Promise<Unlocked> {
    const { passkey } = locksOf(account);
    if (!passkey) throw new CircleFailure('NO_PASSKEY', 'This browser has no passkey for Circle.');
    const secret = await derive(passkey.id, passkey.salt);
    try {
      const opened = await attempt(account, () => this.#keeper.unlockWithPasskey(account, passkey.wrapped, secret));
      return { opened: demandRight(opened, WRONG_PASSKEY), authKey: null };
    } finally {
      secret.fill(0);
    }
  }

  /** Keeps the store open across a reload (docs/decisions/0027), where no passphrase is asked for at each. */
  async remember(account: AccountRecord): Promise<void> {
    if (locksOf(account).passphrase) await this.#browser.drop(account.member);
    else await this.#browser.keep(account.member, await this.#keeper.startBrowserSession());
  }
}

async function attempt(account: AccountRecord, open: () => Promise<boolean>): Promise<Opened> {
  if (!(await isKept(account.database))) return 'lost';
  try {
    return (await open()) ? 'open' : 'wrong';
  } catch (error) {
    if (codeOf(error) === 'STORE_DAMAGED') return 'lost';
    throw error;
  }
}

function demandRight(opened: Opened, wrong: CircleFailure): 'open' | 'lost' {
  if (opened === 'wrong') throw wrong;
  return opened;
}
