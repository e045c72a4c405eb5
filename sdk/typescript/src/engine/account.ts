/** The account in use: what is noted of it on this browser, how it is locked, and how it is left. */
import type { Bytes } from '../bytes';
import type { Keeper } from '../crypto';
import { CircleFailure } from '../errors';
import { locksOf, type AccountRecord, type Accounts, type Locks, type Unusable } from '../store/accounts';
import type { Board } from '../state/board';
import type { KnownAccount } from '../types';
import type { BrowserSessions } from './browserSession';
import type { Held } from './held';
import { NOTICES } from './notices';
import type { Opening } from './opening';
import type { Session } from './session';

export class Account {
  readonly #session: Session;
  readonly #keeper: Keeper;
  readonly #accounts: Accounts;
  readonly #browser: BrowserSessions;
  readonly #opening: Opening;
  readonly #held: Held;
  readonly #board: Board;

  constructor(parts: { session: Session; keeper: Keeper; accounts: Accounts; browser: BrowserSessions; opening: Opening; held: Held; board: Board }) {
    this.#session = parts.session;
    this.#keeper = parts.keeper;
    this.#accounts = parts.accounts;
    this.#browser = parts.browser;
    this.#opening = parts.opening;
    this.#held = parts.held;
    this.#board = parts.board;
  }

  /** The record in use; null while nobody is at home here. */
  get current(): AccountRecord | null {
    return this.#held.current;
  }

  /** Whose keys, wrapped, lie on this browser; null where there are none. */
  async known(): Promise<KnownAccount | null> {
    const account = await this.#accounts.latest();
    return account && account.standing !== 'joining' ? { protocolId: account.member, handle: account.handle, displayName: account.displayName } : null;
  }

  /** Changes what is noted of the account in use. */
  async note(changes: Partial<AccountRecord>): Promise<void> {
    if (!this.#held.current) return;
    this.#held.current = { ...this.#held.current, ...changes };
    await this.#accounts.put(this.#held.current);
  }

  /** Lets go of the keys; the session stays. */
  async lock(): Promise<void> {
    this.#held.authKey = null;
    if (this.#held.current) await this.#browser.drop(this.#held.current.member);
    await this.#keeper.lock();
    this.#board.clear(this.#held.current ? 'locked' : 'signed-out');
  }

  /** Ends the session; the keys stay here, wrapped. */
  async signOut(): Promise<void> {
    await this.#session.signOut();
    const account = this.#held.current;
    if (account?.standing === 'active') await this.#accounts.put({ ...account, standing: 'signed-out' });
    await this.lock();
    this.#held.current = null;
    this.#held.guest = null;
    this.#session.forget();
    this.#board.clear('signed-out');
  }

  /** The keys of this account are open: they stay so across a reload. */
  async use(account: AccountRecord): Promise<void> {
    const used = { ...account, usedAt: Date.now() };
    this.#held.current = used;
    this.#held.guest = null;
    await this.#accounts.put(used);
    await this.#opening.remember(used);
  }

  // ---- locks

  /** How the store is locked. */
  async locks(): Promise<Locks> {
    const account = this.#held.current ?? (await this.#accounts.latest());
    return locksOf(account ?? {});
  }

  /**
   * Changes how the store is locked, in one transaction: when it fails, everything is as before. `change` gets the
   * account as it is and returns what becomes of it. Throws LOCKED.
   */
  async relock(change: (account: AccountRecord, locks: Locks) => Promise<{ locks: Locks; wrapped?: Bytes }>): Promise<void> {
    const account = this.#held.current;
    if (account?.standing !== 'active' || this.#board.phase !== 'ready') throw new CircleFailure('LOCKED', 'Please unlock Circle first.');
    const changed: AccountRecord = { ...account, ...(await change(account, locksOf(account))) };
    const [before, after] = [account, changed].map((one) => locksOf(one).passphrase);
    await this.#accounts.relock(changed, after !== null);
    this.#held.current = changed;
    if (before !== after) await this.#opening.remember(changed);
  }

  /** Somebody is using this browser. */
  async touch(): Promise<void> {
    if (this.#held.current) await this.#browser.touch(this.#held.current.member);
  }

  /** Where the person is led when the keys are let go of. */
  get restPhase(): 'locked' | 'signed-out' {
    return this.#held.current?.standing === 'signed-out' ? 'signed-out' : 'locked';
  }

  /** This device's keys open nothing (any more): the next sign-in leads to a new device in its place. */
  async retire(account: AccountRecord, why: Unusable): Promise<void> {
    await this.#keeper.lock();
    await this.#browser.drop(account.member);
    await this.#accounts.put({ ...account, standing: 'unusable', why });
    this.#held.current = null;
    this.#held.guest = null;
    this.#board.setNotice(NOTICES[why]);
  }
}
