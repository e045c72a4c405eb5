/** Signing in and out, locking and unlocking: what this browser holds of an account, and what becomes of it. */
import { deleteDB } from 'idb';
import { toBase64, type Bytes } from '../bytes';
import type { Keeper } from '../crypto';
import { CircleFailure, codeOf, type DeviceRevoked } from '../errors';
import type * as gql from '../gql/generated';
import { locksOf, type AccountRecord, type Accounts, type DevicePlace, type Locks, type Unusable } from '../store/accounts';
import type { Board } from '../state/board';
import type { BrowserSessions } from './browserSession';
import { toPersonRecord } from './convert';
import { tidyHandle } from './handle';
import { NOTICES } from './notices';
import { Opening, type Unlocked } from './opening';
import { deviceOf, memberOf, type Session, type StretchParameters } from './session';

const AGAIN = new CircleFailure('PASSWORD_NEEDED', 'Please sign in with your password again first: it protects what this browser will keep.');

const OTHER = new CircleFailure('UNTRUSTED', 'The server signed in somebody else by this name: not the account whose keys are on this browser.');

/** Signed in with a password, or by a session that goes on, and without keys on this browser. */
export interface Guest {
  viewer: gql.ViewerFieldsFragment;
  parameters: StretchParameters;
  /** Of the stretched password: wraps a new device's store. */
  ticket: string;
}

/** What a start, a sign-in or an unlock leads to: the keys are open, a new device is on its way in, or neither. */
export type Outcome = 'open' | 'entering' | 'closed';

/** That this device was removed: proven, and everything was deleted; not proven, and nothing was; or to be looked at once the keys are open. */
export type Heard = 'proven' | 'unproven' | 'open';

export class Account {
  readonly #session: Session;
  readonly #keeper: Keeper;
  readonly #accounts: Accounts;
  readonly #browser: BrowserSessions;
  readonly #opening: Opening;
  readonly #board: Board;
  #current: AccountRecord | null = null;
  #guest: Guest | null = null;
  /** The device that the session named when this browser had forgotten everything else, or one that took no keys. */
  #lost: { device: string; isCertain: boolean } | null = null;
  /** What signs in again without asking, kept only from an unlock until the server has answered once. */
  #authKey: string | null = null;
  /** Opened without the password: where the session has ended too, one signs in with it. */
  #isWithoutPassword = false;

  constructor(parts: { session: Session; keeper: Keeper; accounts: Accounts; browser: BrowserSessions; board: Board }) {
    this.#session = parts.session;
    this.#keeper = parts.keeper;
    this.#accounts = parts.accounts;
    this.#browser = parts.browser;
    this.#opening = new Opening(parts);
    this.#board = parts.board;
  }

  get current(): AccountRecord | null {
    return this.#current;
  }

  async known(): Promise<{ handle: string; displayName: string } | null> {
    const account = await this.#accounts.latest();
    return account && account.standing !== 'joining' ? { handle: account.handle, displayName: account.displayName } : null;
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
      this.#lost = { device: deviceOf(viewer) ?? '', isCertain: false };
      this.#board.setNotice(NOTICES.evicted);
    }
    this.#without(viewer);
    return 'closed';
  }

  async #rejoin(account: AccountRecord): Promise<Outcome> {
    this.#current = account;
    const opened = await this.#opening.bySession(account);
    if (opened === 'lost') return this.#evicted(account);
    if (opened === 'open') return account.standing === 'entering' ? 'entering' : 'open';
    this.#board.setPhase('locked');
    return 'closed';
  }

  /** The browser has deleted the keys: this device can only be replaced. */
  async #evicted(account: AccountRecord): Promise<Outcome> {
    await this.retire(account, 'evicted');
    this.#without(await this.#session.viewer().catch(() => null));
    return 'closed';
  }

  #without(viewer: gql.ViewerFieldsFragment | null): void {
    if (viewer) this.#board.setMe(toPersonRecord(viewer.member));
    this.#board.setPhase(viewer ? 'no-keys' : 'signed-out');
  }

  /** This device's keys open nothing (any more): the next sign-in leads to a new device in its place. */
  async retire(account: AccountRecord, why: Unusable): Promise<void> {
    await this.#keeper.lock();
    await this.#browser.drop(account.member);
    await this.#accounts.put({ ...account, standing: 'unusable', why });
    this.#current = null;
    this.#guest = null;
    this.#board.setNotice(NOTICES[why]);
  }

  // ---- signing in, unlocking

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
        await this.retire(known, 'evicted');
        await this.#welcome(await this.#session.signIn(handle, toBase64(authKey), null), parameters, password);
        return 'closed';
      }
    }
    await this.#welcome(viewer, parameters, password, ticket);
    return 'closed';
  }

  async #awaitPassphrase(known: AccountRecord): Promise<void> {
    this.#guest = null;
    this.#current = { ...known, standing: 'active', usedAt: Date.now() };
    await this.#accounts.put(this.#current);
    this.#board.setPhase('locked');
  }

  async #opened(known: AccountRecord, viewer: gql.ViewerFieldsFragment, password: string): Promise<Outcome> {
    if (known.revocation && (await this.#judge(known))) {
      await this.#welcome(viewer, known, password);
      return 'closed';
    }
    if (known.standing === 'entering') {
      this.#current = known;
      return 'entering';
    }
    await this.#keeper.rememberMe(toPersonRecord(viewer.member));
    await this.use({ ...known, standing: 'active' });
    return 'open';
  }

  /** Signed in without keys. A ticket that was used up, or went with the keys, is made anew. */
  async #welcome(viewer: gql.ViewerFieldsFragment, { salt, memoryKib, iterations, lanes }: StretchParameters, password: string, ticket?: string): Promise<void> {
    const parameters = { salt, memoryKib, iterations, lanes };
    this.#current = null;
    this.#guest = { viewer, parameters, ticket: ticket ?? (await this.#keeper.stretch(password, parameters)).ticket };
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
    const account = this.#current ?? (await this.#accounts.latest());
    if (!account) throw new CircleFailure('NOT_FOUND', 'There is no account on this browser. Please sign in.');
    const { opened, authKey } = await open(account);
    if (opened === 'lost') return this.#evicted(account);
    if (account.revocation && (await this.#judge(account))) return 'closed';
    this.#authKey = authKey;
    this.#isWithoutPassword = authKey === null;
    if (account.standing === 'entering') {
      this.#current = account;
      return 'entering';
    }
    await this.use({ ...account, standing: 'active' });
    return 'open';
  }

  /** Sees that the server knows this device's session, signing in with the password just given if need be. */
  async ensureSession(): Promise<void> {
    const account = this.#current;
    if (!account) throw new CircleFailure('UNAUTHENTICATED', 'Please sign in again.');
    let viewer = await this.#session.viewer();
    const fits = (one: gql.ViewerFieldsFragment | null) => one !== null && memberOf(one) === account.member && deviceOf(one) === account.device;
    if (!fits(viewer) && this.#authKey !== null) viewer = await this.#session.signIn(account.handle, this.#authKey, account.device);
    if (!viewer || !fits(viewer)) {
      // No passphrase and no passkey signs in: that takes the password.
      if (this.#isWithoutPassword) await this.note({ standing: 'signed-out' });
      throw new CircleFailure('UNAUTHENTICATED', 'Please unlock Circle with your password again.');
    }
    this.#authKey = null;
    const me = toPersonRecord(viewer.member);
    await this.#keeper.rememberMe(me);
    this.#board.setMe(me);
  }

  /** For a device on its way in: whatever session there is, opened with the password just given if need be. */
  async ensureAnySession(): Promise<void> {
    const account = this.#current;
    let viewer = await this.#session.viewer();
    if (!viewer && account && this.#authKey !== null) viewer = await this.#session.signIn(account.handle, this.#authKey, account.device);
    if (!viewer) throw new CircleFailure('UNAUTHENTICATED', 'Please unlock Circle with your password again.');
    this.#board.setMe(toPersonRecord(viewer.member));
  }

  async lock(): Promise<void> {
    this.#authKey = null;
    if (this.#current) await this.#browser.drop(this.#current.member);
    await this.#keeper.lock();
    this.#board.clear(this.#current ? 'locked' : 'signed-out');
  }

  /** Ends the session; the keys stay here, wrapped. */
  async signOut(): Promise<void> {
    await this.#session.signOut();
    const account = this.#current;
    if (account?.standing === 'active') await this.#accounts.put({ ...account, standing: 'signed-out' });
    await this.lock();
    this.#current = null;
    this.#guest = null;
    this.#session.forget();
    this.#board.clear('signed-out');
  }

  /** The keys of this account are open: they stay so across a reload. */
  async use(account: AccountRecord): Promise<void> {
    const used = { ...account, usedAt: Date.now() };
    this.#current = used;
    this.#guest = null;
    await this.#accounts.put(used);
    await this.#opening.remember(used);
  }

  // ---- locks

  async locks(): Promise<Locks> {
    const account = this.#current ?? (await this.#accounts.latest());
    return locksOf(account ?? {});
  }

  /**
   * Changes how the store is locked, in one transaction: when it fails, everything is as before. `change` gets the
   * account as it is and returns what becomes of it. Throws LOCKED.
   */
  async relock(change: (account: AccountRecord, locks: Locks) => Promise<{ locks: Locks; wrapped?: Bytes }>): Promise<void> {
    const account = this.#current;
    if (account?.standing !== 'active' || this.#board.phase !== 'ready') throw new CircleFailure('LOCKED', 'Please unlock Circle first.');
    const changed: AccountRecord = { ...account, ...(await change(account, locksOf(account))) };
    const [before, after] = [account, changed].map((one) => locksOf(one).passphrase);
    await this.#accounts.relock(changed, after !== null);
    this.#current = changed;
    if (before !== after) await this.#opening.remember(changed);
  }

  /** Somebody is using this browser. */
  async touch(): Promise<void> {
    if (this.#current) await this.#browser.touch(this.#current.member);
  }

  /** Where the person is led when the keys are let go of. */
  get restPhase(): 'locked' | 'signed-out' {
    return this.#current?.standing === 'signed-out' ? 'signed-out' : 'locked';
  }

  // ---- becoming a new device

  /** Who is signed in without keys. Throws PASSWORD_NEEDED where the password was not given since the start. */
  guest(): Guest {
    if (this.#guest) return this.#guest;
    if (this.#board.phase === 'no-keys') throw AGAIN;
    throw new CircleFailure('INVALID', 'This is only for a browser that does not hold your keys.');
  }

  /** The guest's password once more, as before what cannot be undone. Throws WRONG_PASSWORD. */
  async confirmGuest(password: string): Promise<Guest> {
    const { me } = this.#board;
    if (this.#board.phase !== 'no-keys' || !me) throw new CircleFailure('INVALID', 'This is only for a browser that does not hold your keys.');
    const earlier = this.#guest?.viewer ?? (await this.#session.viewer().catch(() => null));
    const parameters = await this.#session.parameters(me.handle);
    const { ticket, authKey } = await this.#keeper.stretch(password, parameters);
    const viewer = await this.#session.signIn(me.handle, toBase64(authKey), null);
    if (earlier && earlier.session.id !== viewer.session.id) await this.#session.end(earlier.session.id);
    this.#guest = { viewer, parameters, ticket };
    return this.#guest;
  }

  /** Notes where a new device keeps its keys, before anything of it is sent. What this browser was before stays until then. */
  async begin({ viewer, parameters }: Guest, place: DevicePlace): Promise<void> {
    const me = toPersonRecord(viewer.member);
    const before = await this.#accounts.byMember(me.id);
    const former = before?.standing === 'entering' ? before.former : before;
    const lost = former ? { device: former.device, isCertain: true } : (before?.lost ?? this.#lost);
    const { id: member, handle, displayName } = me;
    this.#current = {
      member, handle, displayName, ...parameters, ...place, standing: 'entering', usedAt: Date.now(), isKeyConfirmed: false,
      ...(former ? { former } : {}), ...(lost ? { lost } : {}),
    };
    await this.#accounts.put(this.#current);
    await this.#opening.remember(this.#current);
  }

  /** The new device is one of the member's: what this browser was before is of no use any more. */
  async settle(changes: Partial<AccountRecord> = {}): Promise<void> {
    const account = this.#current;
    if (!account) throw new CircleFailure('LOCKED', 'Please unlock Circle first.');
    const { former, ...kept } = account;
    this.#lost = null;
    await this.use({ ...kept, ...changes, standing: 'active' });
    if (former) await deleteDB(former.database).catch(() => undefined);
  }

  /** The new device did not come in: this browser is again what it was before. */
  async abandon(): Promise<void> {
    const account = this.#current;
    if (account?.standing !== 'entering') return;
    const { former } = account;
    this.#current = null;
    await this.#browser.drop(account.member);
    if (former) await this.#accounts.put(former);
    else await this.#accounts.forget(account.member);
    await deleteDB(account.database).catch(() => undefined);
  }

  /**
   * What became of a device that did not take its keys: where it was let in all the same, the session signs as it, and
   * another try begins with the password.
   */
  async startOver(device: string): Promise<void> {
    const viewer = await this.#session.viewer().catch(() => null);
    if (viewer === null || deviceOf(viewer) !== device) return;
    this.#lost = { device, isCertain: true };
    this.#guest = null;
  }

  async forgetLost(): Promise<void> {
    if (!this.#current) return;
    const kept = { ...this.#current };
    delete kept.lost;
    this.#current = kept;
    await this.#accounts.put(kept);
  }

  /** Changes what is noted of the account in use. */
  async note(changes: Partial<AccountRecord>): Promise<void> {
    if (!this.#current) return;
    this.#current = { ...this.#current, ...changes };
    await this.#accounts.put(this.#current);
  }

  // ---- the end of a device

  /** The server says that this device was removed. */
  async hear({ proof }: DeviceRevoked): Promise<Heard> {
    const account = this.#current ?? (await this.#accounts.latest());
    if (!account || account.standing === 'joining') return 'open';
    if (proof === null) {
      this.#board.setNotice(NOTICES.unproven);
      return 'unproven';
    }
    const told = { ...account, revocation: proof };
    await this.#accounts.put(told);
    return this.#weigh(told);
  }

  async #judge(account: AccountRecord): Promise<boolean> {
    return (await this.#weigh(account)) === 'proven';
  }

  async #weigh(account: AccountRecord): Promise<Heard> {
    if (!account.revocation) return 'open';
    try {
      const { revocation, ...before } = account;
      if (!(await this.#keeper.wipe(revocation))) {
        await this.#accounts.put(before);
        if (this.#current) this.#current = before;
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
    this.#current = null;
    this.#authKey = null;
    this.#session.forget();
    this.#board.clear('signed-out');
    this.#board.setNotice(NOTICES.revoked);
    return 'proven';
  }
}
