/** A start, a sign-in, an unlock: where this browser stands, and its keys opened; and the session that goes with them. */
import { toBase64, type Bytes } from '../bytes';
import type { Keeper } from '../crypto';
import { CircleFailure } from '../errors';
import type * as gql from '../gql/generated';
import { locksOf, type AccountRecord, type Accounts } from '../store/accounts';
import type { Board } from '../state/board';
import type { Account } from './account';
import { toPersonRecord } from './convert';
import { tidyHandle } from './handle';
import type { Held } from './held';
import { NOTICES } from './notices';
import type { Opening, Unlocked } from './opening';
import type { Removal } from './removal';
import { deviceOf, memberOf, type Session, type StretchParameters } from './session';

const OTHER = new CircleFailure('UNTRUSTED', 'The server signed in somebody else by this name: not the account whose keys are on this browser.');

/** What a start, a sign-in or an unlock leads to: the keys are open, a new device is on its way in, or neither. */
export type Outcome = 'open' | 'entering' | 'closed';

export class SigningIn {
  readonly #session: Session;
  readonly #keeper: Keeper;
  readonly #accounts: Accounts;
  readonly #account: Account;
  readonly #opening: Opening;
  readonly #removal: Removal;
  readonly #held: Held;
  readonly #board: Board;

  constructor(parts: { session: Session; keeper: Keeper; accounts: Accounts; account: Account; opening: Opening; removal: Removal; held: Held; board: Board }) {
    this.#session = parts.session;
    this.#keeper = parts.keeper;
    this.#accounts = parts.accounts;
    this.#account = parts.account;
    this.#opening = parts.opening;
    this.#removal = parts.removal;
    this.#held = parts.held;
    this.#board = parts.board;
  }

  /** Finds out where this browser stands. */
  async resume(): Promise<Outcome> {
    const account = await this.#accounts.latest();
    if (account?.standing === 'active' || account?.standing === 'entering') return this.#rejoin(account);
    const viewer = await this.#session.viewer().catch(() => null);
    if (account?.standing === 'joining' && viewer && memberOf(viewer) === account.member) {
      // The sign-up was taken by the server, but this browser never heard the answer.
      await this.#accounts.put({ ...account, standing: 'active' });
      return this.#rejoin({ ...account, standing: 'active' });
    }
    if (account?.why) this.#board.setNotice(NOTICES[account.why]);
    if (account === null && viewer && deviceOf(viewer) !== null) {
      this.#held.lost = { device: deviceOf(viewer) ?? '', isCertain: false };
      this.#board.setNotice(NOTICES.evicted);
    }
    this.#without(viewer);
    return 'closed';
  }

  async #rejoin(account: AccountRecord): Promise<Outcome> {
    this.#held.current = account;
    const opened = await this.#opening.bySession(account);
    if (opened === 'lost') return this.#evicted(account);
    if (opened === 'open') return account.standing === 'entering' ? 'entering' : 'open';
    this.#board.setPhase('locked');
    return 'closed';
  }

  /** The browser has deleted the keys: this device can only be replaced. */
  async #evicted(account: AccountRecord): Promise<Outcome> {
    await this.#account.retire(account, 'evicted');
    this.#without(await this.#session.viewer().catch(() => null));
    return 'closed';
  }

  #without(viewer: gql.ViewerFieldsFragment | null): void {
    if (viewer) this.#board.setMe(toPersonRecord(viewer.member));
    this.#board.setPhase(viewer ? 'no-keys' : 'signed-out');
  }

  /** With a password, on a browser that may hold keys or not. Throws UNTRUSTED where somebody else was signed in, and as the server refuses. */
  async signIn(handleText: string, password: string): Promise<Outcome> {
    const handle = tidyHandle(handleText);
    const parameters = await this.#session.parameters(handle);
    const { ticket, authKey } = await this.#keeper.stretch(password, parameters);
    const known = await this.#accounts.byHandle(handle);
    const viewer = await this.#session.signIn(handle, toBase64(authKey), known === null || known.standing === 'unusable' ? null : known.device);
    const isOwn = known !== null && known.member === memberOf(viewer) && known.standing !== 'unusable';
    if (known !== null && known.standing !== 'joining' && known.member !== memberOf(viewer)) {
      await this.#session.signOut().catch(() => undefined);
      this.#session.forget();
      throw OTHER;
    }
    if (isOwn && locksOf(known).passphrase) {
      // Whoever turns from the locked page to the password has forgotten the passphrase: this becomes a new device.
      if (this.#board.phase === 'locked') await this.#welcome(await this.#session.signIn(handle, toBase64(authKey), null), parameters, password, ticket);
      else await this.#awaitPassphrase(known);
      return 'closed';
    }
    if (isOwn && (known.standing === 'entering' || known.revocation !== undefined || deviceOf(viewer) === known.device)) {
      const opened = await this.#opening.byTicket(known, ticket);
      if (opened === 'open') return this.#opened(known, viewer, password);
      if (opened === 'lost') {
        await this.#account.retire(known, 'evicted');
        await this.#welcome(await this.#session.signIn(handle, toBase64(authKey), null), parameters, password);
        return 'closed';
      }
    }
    if (isOwn && known.standing !== 'joining' && deviceOf(viewer) === null) this.#board.setNotice(NOTICES.unknown);
    await this.#welcome(viewer, parameters, password, ticket);
    return 'closed';
  }

  async #awaitPassphrase(known: AccountRecord): Promise<void> {
    this.#held.guest = null;
    this.#held.current = { ...known, standing: 'active', usedAt: Date.now() };
    await this.#accounts.put(this.#held.current);
    this.#board.setPhase('locked');
  }

  async #opened(known: AccountRecord, viewer: gql.ViewerFieldsFragment, password: string): Promise<Outcome> {
    if (known.revocation && (await this.#removal.judge(known))) {
      await this.#welcome(viewer, known, password);
      return 'closed';
    }
    if (known.standing === 'entering') {
      this.#held.current = known;
      return 'entering';
    }
    await this.#keeper.rememberMe(toPersonRecord(viewer.member));
    await this.#account.use({ ...known, standing: 'active' });
    return 'open';
  }

  /** Signed in without keys. A ticket that was used up, or went with the keys, is made anew. */
  async #welcome(viewer: gql.ViewerFieldsFragment, { salt, memoryKib, iterations, lanes }: StretchParameters, password: string, ticket?: string): Promise<void> {
    const parameters = { salt, memoryKib, iterations, lanes };
    this.#held.current = null;
    this.#held.guest = { viewer, parameters, ticket: ticket ?? (await this.#keeper.stretch(password, parameters)).ticket };
    this.#without(viewer);
  }

  /**
   * Opens the local store by the password, or by the passphrase where there is one, also without a network; the session
   * is looked after by `ensureSession`.
   */
  unlock(word: string): Promise<Outcome> {
    return this.#unlockBy((account) => this.#opening.byWord(account, word));
  }

  /** `derive` asks the passkey for its secret. */
  unlockWithPasskey(derive: (id: Bytes, salt: Bytes) => Promise<Bytes>): Promise<Outcome> {
    return this.#unlockBy((account) => this.#opening.byPasskey(account, derive));
  }

  async #unlockBy(open: (account: AccountRecord) => Promise<Unlocked>): Promise<Outcome> {
    const account = this.#held.current ?? (await this.#accounts.latest());
    if (!account) throw new CircleFailure('NOT_FOUND', 'There is no account on this browser. Please sign in.');
    const { opened, authKey } = await open(account);
    if (opened === 'lost') return this.#evicted(account);
    if (account.revocation && (await this.#removal.judge(account))) return 'closed';
    this.#held.authKey = authKey;
    this.#held.isWithoutPassword = authKey === null;
    if (account.standing === 'entering') {
      this.#held.current = account;
      return 'entering';
    }
    await this.#account.use({ ...account, standing: 'active' });
    return 'open';
  }

  /** Sees that the server knows this device's session, signing in with the password just given if need be. */
  async ensureSession(): Promise<void> {
    const account = this.#held.current;
    if (!account) throw new CircleFailure('UNAUTHENTICATED', 'Please sign in again.');
    let viewer = await this.#session.viewer();
    const fits = (one: gql.ViewerFieldsFragment | null) => one !== null && memberOf(one) === account.member && deviceOf(one) === account.device;
    if (!fits(viewer) && this.#held.authKey !== null) viewer = await this.#session.signIn(account.handle, this.#held.authKey, account.device);
    if (!viewer || !fits(viewer)) {
      // No passphrase and no passkey signs in: that takes the password.
      if (this.#held.isWithoutPassword) await this.#account.note({ standing: 'signed-out' });
      throw new CircleFailure('UNAUTHENTICATED', 'Please unlock Circle with your password again.');
    }
    this.#held.authKey = null;
    const me = toPersonRecord(viewer.member);
    await this.#keeper.rememberMe(me);
    this.#board.setMe(me);
  }

  /** For a device on its way in: whatever session there is, opened with the password just given if need be. */
  async ensureAnySession(): Promise<void> {
    const account = this.#held.current;
    let viewer = await this.#session.viewer();
    if (!viewer && account && this.#held.authKey !== null) viewer = await this.#session.signIn(account.handle, this.#held.authKey, account.device);
    if (!viewer) throw new CircleFailure('UNAUTHENTICATED', 'Please unlock Circle with your password again.');
    this.#board.setMe(toPersonRecord(viewer.member));
  }
}
