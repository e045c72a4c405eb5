/** A new device in the place of what this browser was before: who asks for it, and what becomes of either. */
import { deleteDB } from 'idb';
import { toBase64 } from '../bytes';
import type { Keeper } from '../crypto';
import { CircleFailure } from '../errors';
import type { AccountRecord, Accounts, DevicePlace } from '../store/accounts';
import type { Board } from '../state/board';
import type { Account } from './account';
import type { BrowserSessions } from './browserSession';
import { toPersonRecord } from './convert';
import type { Guest, Held } from './held';
import type { Opening } from './opening';
import { deviceOf, type Session } from './session';

const AGAIN = new CircleFailure('PASSWORD_NEEDED', 'Please sign in with your password again first: it protects what this browser will keep.');

export class Succession {
  readonly #session: Session;
  readonly #keeper: Keeper;
  readonly #accounts: Accounts;
  readonly #account: Account;
  readonly #browser: BrowserSessions;
  readonly #opening: Opening;
  readonly #held: Held;
  readonly #board: Board;

  constructor(parts: { session: Session; keeper: Keeper; accounts: Accounts; account: Account; browser: BrowserSessions; opening: Opening; held: Held; board: Board }) {
    this.#session = parts.session;
    this.#keeper = parts.keeper;
    this.#accounts = parts.accounts;
    this.#account = parts.account;
    this.#browser = parts.browser;
    this.#opening = parts.opening;
    this.#held = parts.held;
    this.#board = parts.board;
  }

  /** Who is signed in without keys. Throws PASSWORD_NEEDED where the password was not given since the start. */
  guest(): Guest {
    if (this.#held.guest) return this.#held.guest;
    if (this.#board.phase === 'no-keys') throw AGAIN;
    throw new CircleFailure('INVALID', 'This is only for a browser that does not hold your keys.');
  }

  /** The guest's password once more, as before what cannot be undone. Throws WRONG_PASSWORD. */
  async confirmGuest(password: string): Promise<Guest> {
    const { me } = this.#board;
    if (this.#board.phase !== 'no-keys' || !me) throw new CircleFailure('INVALID', 'This is only for a browser that does not hold your keys.');
    const earlier = this.#held.guest?.viewer ?? (await this.#session.viewer().catch(() => null));
    const parameters = await this.#session.parameters(me.handle);
    const { ticket, authKey } = await this.#keeper.stretch(password, parameters);
    const viewer = await this.#session.signIn(me.handle, toBase64(authKey), null);
    if (earlier && earlier.session.id !== viewer.session.id) await this.#session.end(earlier.session.id);
    this.#held.guest = { viewer, parameters, ticket };
    return this.#held.guest;
  }

  /** Notes where a new device keeps its keys, before anything of it is sent. What this browser was before stays until then. */
  async begin({ viewer, parameters }: Guest, place: DevicePlace): Promise<void> {
    const me = toPersonRecord(viewer.member);
    const before = await this.#accounts.byMember(me.id);
    const former = before?.standing === 'entering' ? before.former : before;
    const lost = former ? { device: former.device, isCertain: true } : (before?.lost ?? this.#held.lost);
    const { id: member, handle, displayName } = me;
    this.#held.current = {
      member, handle, displayName, ...parameters, ...place, standing: 'entering', usedAt: Date.now(), isKeyConfirmed: false,
      ...(former ? { former } : {}), ...(lost ? { lost } : {}),
    };
    await this.#accounts.put(this.#held.current);
    await this.#opening.remember(this.#held.current);
  }

  /** The new device is one of the member's: what this browser was before is of no use any more. */
  async settle(changes: Partial<AccountRecord> = {}): Promise<void> {
    const account = this.#held.current;
    if (!account) throw new CircleFailure('LOCKED', 'Please unlock Circle first.');
    const { former, ...kept } = account;
    this.#held.lost = null;
    await this.#account.use({ ...kept, ...changes, standing: 'active' });
    if (former) await deleteDB(former.database).catch(() => undefined);
  }

  /** The new device did not come in: this browser is again what it was before. */
  async abandon(): Promise<void> {
    const account = this.#held.current;
    if (account?.standing !== 'entering') return;
    const { former } = account;
    this.#held.current = null;
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
    this.#held.lost = { device, isCertain: true };
    this.#held.guest = null;
  }

  /** The device that this browser was before is dealt with. */
  async forgetLost(): Promise<void> {
    if (!this.#held.current) return;
    const kept = { ...this.#held.current };
    delete kept.lost;
    this.#held.current = kept;
    await this.#accounts.put(kept);
  }
}
