/** The server says that this device was removed: only a proof of it deletes anything. */
import type { Keeper } from '../crypto';
import { codeOf, type DeviceRevoked } from '../errors';
import type { AccountRecord, Accounts } from '../store/accounts';
import type { Board } from '../state/board';
import type { BrowserSessions } from './browserSession';
import type { Held } from './held';
import { NOTICES } from './notices';
import type { Session } from './session';

/** That this device was removed: proven, and everything was deleted; not proven, and nothing was; or to be looked at once the keys are open. */
export type Heard = 'proven' | 'unproven' | 'open';

export class Removal {
  readonly #session: Session;
  readonly #keeper: Keeper;
  readonly #accounts: Accounts;
  readonly #browser: BrowserSessions;
  readonly #held: Held;
  readonly #board: Board;

  constructor(parts: { session: Session; keeper: Keeper; accounts: Accounts; browser: BrowserSessions; held: Held; board: Board }) {
    this.#session = parts.session;
    this.#keeper = parts.keeper;
    this.#accounts = parts.accounts;
    this.#browser = parts.browser;
    this.#held = parts.held;
    this.#board = parts.board;
  }

  /** The server says that this device was removed. */
  async hear({ proof }: DeviceRevoked): Promise<Heard> {
    const account = this.#held.current ?? (await this.#accounts.latest());
    if (!account || account.standing === 'joining') return 'open';
    if (proof === null) {
      this.#board.setNotice(NOTICES.unproven);
      return 'unproven';
    }
    const told = { ...account, revocation: proof };
    await this.#accounts.put(told);
    return this.#weigh(told);
  }

  /** Looks at what was said while the keys were locked, now that they are open: whether this device is gone. */
  async judge(account: AccountRecord): Promise<boolean> {
    return (await this.#weigh(account)) === 'proven';
  }

  async #weigh(account: AccountRecord): Promise<Heard> {
    if (!account.revocation) return 'open';
    try {
      const { revocation, ...before } = account;
      if (!(await this.#keeper.wipe(revocation))) {
        await this.#accounts.put(before);
        if (this.#held.current) this.#held.current = before;
        this.#board.setNotice(NOTICES.unproven);
        return 'unproven';
      }
    } catch (error) {
      // The keys are locked: it is looked at again when they are not.
      if (codeOf(error) === 'LOCKED') return 'open';
      throw error;
    }
    await this.#browser.drop(account.member);
    await this.#accounts.forget(account.member);
    this.#held.current = null;
    this.#held.authKey = null;
    this.#session.forget();
    this.#board.clear('signed-out');
    this.#board.setNotice(NOTICES.revoked);
    return 'proven';
  }
}
