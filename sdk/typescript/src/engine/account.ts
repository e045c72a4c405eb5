/** Signing up, in and out; locking and unlocking: everything that leads to `ready` or away from it. */
import { deleteDB } from 'idb';
import { fromBase64, toBase64, toBase64Url, toHex } from '../bytes';
import type { Keeper, NewAccount } from '../crypto';
import { CircleFailure, codeOf, isUncertain } from '../errors';
import * as gql from '../gql/generated';
import type { AccountRecord, Accounts } from '../store/accounts';
import type { Board } from '../state/board';
import type { Http } from '../transport/http';
import type { InvitePreview } from '../types';
import { refuseErrors } from './api';
import type { BrowserSessions } from './browserSession';
import { toPersonRecord } from './convert';
import { parseFragment } from './joinLink';

export interface SignUpInput {
  fragment: string;
  handle: string;
  displayName: string;
  password: string;
  deviceName: string;
}

interface Prepared {
  account: NewAccount;
  record: AccountRecord;
  input: SignUpInput;
  authKey: string;
}

const HANDLE = /^[a-z0-9][a-z0-9_.-]{1,31}$/;
const WRONG = new CircleFailure('WRONG_PASSWORD', 'This password is not right.');

/** Handles are compared in one form (NFKC, lower case). Throws HANDLE_INVALID. */
export function tidyHandle(handle: string): string {
  const tidy = handle.normalize('NFKC').trim().toLowerCase();
  if (!HANDLE.test(tidy)) {
    throw new CircleFailure('HANDLE_INVALID', 'A handle has 2 to 32 characters: letters a to z, digits, dots, dashes and underscores, beginning with a letter or digit.');
  }
  return tidy;
}

export class Account {
  readonly #http: Http;
  readonly #keeper: Keeper;
  readonly #accounts: Accounts;
  readonly #browser: BrowserSessions;
  readonly #board: Board;
  readonly #kind: gql.SessionKind;
  readonly #prefix: string;
  readonly #setToken: (token: string | null) => void;
  readonly #prepared = new WeakMap<object, Prepared>();
  #current: AccountRecord | null = null;
  /** What signs in again without asking, kept only from an unlock until the server has answered once. */
  #authKey: string | null = null;

  constructor(parts: {
    http: Http;
    keeper: Keeper;
    accounts: Accounts;
    browser: BrowserSessions;
    board: Board;
    kind: gql.SessionKind;
    databasePrefix: string;
    setToken: (token: string | null) => void;
  }) {
    this.#http = parts.http;
    this.#keeper = parts.keeper;
    this.#accounts = parts.accounts;
    this.#browser = parts.browser;
    this.#board = parts.board;
    this.#kind = parts.kind;
    this.#prefix = parts.databasePrefix;
    this.#setToken = parts.setToken;
  }

  get current(): AccountRecord | null {
    return this.#current;
  }

  async known(): Promise<{ handle: string; displayName: string } | null> {
    const account = await this.#accounts.latest();
    return account && account.standing !== 'joining' ? { handle: account.handle, displayName: account.displayName } : null;
  }

  /** Finds out where this browser stands. True when the keys are open already. */
  async resume(): Promise<boolean> {
    const account = await this.#accounts.latest();
    const viewer = account && account.standing !== 'joining' ? undefined : await this.#viewer().catch(() => null);
    if (account && account.standing === 'joining' && viewer && toHex(fromBase64(viewer.member.protocolId)) === account.member) {
      // The sign-up was taken by the server, but this browser never heard the answer.
      await this.#accounts.put({ ...account, standing: 'active' });
      account.standing = 'active';
    }
    if (account?.standing === 'active') {
      this.#current = account;
      const session = await this.#browser.find(account.member);
      if (session && (await this.#keeper.resumeBrowserSession(account, session))) return true;
      this.#board.setPhase('locked');
    } else if (viewer) {
      this.#board.setMe(toPersonRecord(viewer.member));
      this.#board.setPhase('no-keys');
    } else {
      this.#board.setPhase('signed-out');
    }
    return false;
  }

  // ---- signing up

  async preview(fragment: string): Promise<InvitePreview> {
    const { token, isSetUp } = parseFragment(fragment);
    const { invite } = await this.#http.ask(gql.PreviewInviteDocument, { token: toBase64(token) });
    if (!invite) throw new CircleFailure('INVITE_UNKNOWN', 'This invite is not valid, or has been used already.');
    const { inviter } = invite;
    const person = inviter ? { id: inviter.id, protocolId: toHex(fromBase64(inviter.protocolId)), handle: inviter.handle, displayName: inviter.displayName } : null;
    return { inviter: person ? { ...person, serverRole: 'MEMBER', verified: false } : null, isSetUp: isSetUp && invite.role === 'OWNER', expiresAt: Date.parse(invite.expiresAt) };
  }

  /** Makes all keys; nothing is sent but the handle and the invite's token. */
  async prepare(input: SignUpInput): Promise<{ words: string[] }> {
    const handle = tidyHandle(input.handle);
    const displayName = input.displayName.normalize('NFC').trim();
    if (displayName.length < 1 || displayName.length > 80) throw new CircleFailure('INVALID', 'A name has 1 to 80 characters.');
    if (Array.from(input.password.normalize('NFKC')).length < 10) throw new CircleFailure('PASSWORD_SHORT', 'A password has at least 10 characters.');
    const { inviter } = await this.preview(input.fragment);
    const { passwordParameters: parameters } = await this.#http.ask(gql.PasswordParametersDocument, { handle });
    const salt = fromBase64(parameters.salt);
    const { ticket, authKey } = await this.#keeper.stretch(input.password, { ...parameters, salt });
    const database = `${this.#prefix}-${toBase64Url(crypto.getRandomValues(new Uint8Array(9)))}`;
    const account = await this.#keeper.makeAccount({
      ticket, handle, displayName, deviceName: input.deviceName, fragment: input.fragment, inviter: inviter?.protocolId ?? null, database,
    });
    const { memoryKib, iterations, lanes } = parameters;
    const { member, device, wrapped } = account;
    const record: AccountRecord = {
      member, device, handle, displayName, salt, memoryKib, iterations, lanes, wrapped, database, standing: 'joining', usedAt: Date.now(),
    };
    const pending = { words: account.words };
    this.#prepared.set(pending, { account, record, input: { ...input, handle, displayName, password: '' }, authKey: toBase64(authKey) });
    return pending;
  }

  /** Safe to call again after a failure of the network: the server takes the same sign-up once. */
  async complete(pending: object): Promise<void> {
    const prepared = this.#prepared.get(pending);
    if (!prepared) throw new CircleFailure('INVALID', 'This sign-up is no longer open. Please start again from the invite link.');
    const { account, record, input, authKey } = prepared;
    // The keys are kept before anything is sent: an account whose keys are lost would be worse than none.
    await this.#keeper.keepAccount(account.member, { handle: input.handle, displayName: input.displayName });
    await this.#accounts.put(record);
    let viewer: gql.ViewerFieldsFragment;
    try {
      viewer = await this.#signUp(prepared);
    } catch (error) {
      const again = await this.#tookEarlier(error, record, authKey);
      if (!again) {
        if (!isUncertain(error) && codeOf(error) !== 'RATE_LIMITED') await this.#abandon(pending, record);
        throw error;
      }
      viewer = again;
    }
    this.#prepared.delete(pending);
    await this.#keeper.rememberMe(toPersonRecord(viewer.member));
    await this.#enter({ ...record, standing: 'active' });
  }

  /** The server refused for good: these keys will never be anybody's. */
  async #abandon(pending: object, record: AccountRecord): Promise<void> {
    this.#prepared.delete(pending);
    await this.#keeper.lock();
    await this.#accounts.forget(record.member);
    await deleteDB(record.database);
  }

  async #signUp({ account, input, authKey }: Prepared): Promise<gql.ViewerFieldsFragment> {
    this.#setToken(null);
    const { signUp } = await this.#http.once(gql.SignUpDocument, {
      input: {
        invite: toBase64(account.invite),
        mac: account.mac ? toBase64(account.mac) : null,
        handle: input.handle,
        displayName: input.displayName,
        authKey,
        identity: { ...signed(account.identity), cosignature: account.identity.cosignature ? toBase64(account.identity.cosignature) : null },
        deviceSeal: signed(account.deviceSeal),
        deviceName: input.deviceName,
        memberKey: signed(account.memberKey),
        boxes: account.boxes.map(({ device, box }) => ({ device: toBase64(device), box: toBase64(box) })),
        account: signed(account.account),
        session: this.#kind,
      },
    });
    refuseErrors(signUp.errors);
    return this.#admit(signUp);
  }

  /** Whether an earlier try of this sign-up got through although its answer was lost. */
  async #tookEarlier(error: unknown, record: AccountRecord, authKey: string): Promise<gql.ViewerFieldsFragment | null> {
    if (!['INVITE_USED', 'HANDLE_TAKEN', 'ID_TAKEN'].includes(codeOf(error))) return null;
    const viewer = await this.#signIn(record.handle, authKey, record).catch(() => null);
    return viewer && toHex(fromBase64(viewer.member.protocolId)) === record.member ? viewer : null;
  }

  // ---- signing in, unlocking

  async signIn(handleText: string, password: string): Promise<boolean> {
    const handle = tidyHandle(handleText);
    const { passwordParameters: parameters } = await this.#http.ask(gql.PasswordParametersDocument, { handle });
    const { ticket, authKey } = await this.#keeper.stretch(password, { ...parameters, salt: fromBase64(parameters.salt) });
    const known = await this.#accounts.byHandle(handle);
    const viewer = await this.#signIn(handle, toBase64(authKey), known);
    const member = toHex(fromBase64(viewer.member.protocolId));
    const holdsDevice = known !== null && known.member === member && viewer.session.device !== null && viewer.session.device !== undefined;
    if (holdsDevice && (await this.#keeper.unlock(known, ticket))) {
      await this.#keeper.rememberMe(toPersonRecord(viewer.member));
      await this.#enter({ ...known, standing: 'active' });
      return true;
    }
    this.#current = null;
    this.#board.setMe(toPersonRecord(viewer.member));
    this.#board.setPhase('no-keys');
    return false;
  }

  async #signIn(handle: string, authKey: string, known: AccountRecord | null): Promise<gql.ViewerFieldsFragment> {
    const device = known ? bytesOf(known.device) : null;
    // A token that is no longer valid would be refused before the password is looked at.
    this.#setToken(null);
    const once = async (named: string | null) => {
      const { signIn } = await this.#http.once(gql.SignInDocument, { input: { handle, authKey, device: named, session: this.#kind, label: label() } });
      refuseErrors(signIn.errors);
      return this.#admit(signIn);
    };
    try {
      return await once(device);
    } catch (error) {
      // The device was revoked, or the keys here are of another account of this name.
      if (device === null || !['STALE_DEVICE', 'FORBIDDEN', 'NOT_FOUND'].includes(codeOf(error))) throw error;
      return once(null);
    }
  }

  /** Opens the local store, also without a network; the session is looked after by `ensureSession`. */
  async unlock(password: string): Promise<void> {
    const account = this.#current ?? (await this.#accounts.latest());
    if (!account) throw new CircleFailure('NOT_FOUND', 'There is no account on this browser. Please sign in.');
    const { ticket, authKey } = await this.#keeper.stretch(password, account);
    if (!(await this.#keeper.unlock(account, ticket))) throw WRONG;
    this.#authKey = toBase64(authKey);
    await this.#enter({ ...account, standing: 'active' });
  }

  /** Sees that the server knows this device's session, signing in with the password just given if need be. */
  async ensureSession(): Promise<void> {
    const account = this.#current;
    if (!account) throw new CircleFailure('UNAUTHENTICATED', 'Please sign in again.');
    let viewer = await this.#viewer();
    const fits = (one: gql.ViewerFieldsFragment | null) =>
      one !== null && toHex(fromBase64(one.member.protocolId)) === account.member && one.session.device?.protocolId === bytesOf(account.device);
    if (!fits(viewer) && this.#authKey !== null) viewer = await this.#signIn(account.handle, this.#authKey, account);
    if (!viewer || !fits(viewer)) throw new CircleFailure('UNAUTHENTICATED', 'Please unlock Circle with your password again.');
    this.#authKey = null;
    const me = toPersonRecord(viewer.member);
    await this.#keeper.rememberMe(me);
    this.#board.setMe(me);
  }

  async lock(): Promise<void> {
    this.#authKey = null;
    if (this.#current) await this.#browser.drop(this.#current.member);
    await this.#keeper.lock();
    this.#board.clear(this.#current ? 'locked' : 'signed-out');
  }

  /** Ends the session; the keys stay here, wrapped. */
  async signOut(): Promise<void> {
    const { signOut } = await this.#http.once(gql.SignOutDocument, { input: {} }).catch((error: unknown) => {
      // Signed out already; anything else must be told, or the session would live on unseen.
      if (codeOf(error) === 'UNAUTHENTICATED') return { signOut: { errors: [] } };
      throw error;
    });
    refuseErrors(signOut.errors);
    const account = this.#current;
    if (account) await this.#accounts.put({ ...account, standing: 'signed-out' });
    await this.lock();
    this.#current = null;
    this.#setToken(null);
    this.#board.clear('signed-out');
  }

  async #enter(account: AccountRecord): Promise<void> {
    const used = { ...account, usedAt: Date.now() };
    this.#current = used;
    await this.#accounts.put(used);
    await this.#browser.keep(account.member, await this.#keeper.startBrowserSession());
  }

  #admit(payload: { viewer?: gql.ViewerFieldsFragment | null; token?: string | null }): gql.ViewerFieldsFragment {
    if (!payload.viewer) throw new CircleFailure('SERVER', 'The server did not sign you in. Please try again.');
    if (payload.token) this.#setToken(payload.token);
    return payload.viewer;
  }

  async #viewer(): Promise<gql.ViewerFieldsFragment | null> {
    try {
      return (await this.#http.ask(gql.ViewerDocument, {})).viewer ?? null;
    } catch (error) {
      if (codeOf(error) === 'UNAUTHENTICATED') return null;
      throw error;
    }
  }
}

function signed(link: { body: Uint8Array; signature: Uint8Array }): { body: string; signature: string } {
  return { body: toBase64(link.body), signature: toBase64(link.signature) };
}

function bytesOf(hex: string): string {
  return toBase64(Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)));
}

/** What this session is called in the list of sessions: the browser and the system, in words. */
function label(): string {
  const agent = 'navigator' in globalThis ? navigator.userAgent : '';
  const browser = /Edg\//.exec(agent) ? 'Edge' : /Firefox\//.exec(agent) ? 'Firefox' : /Chrom(e|ium)\//.exec(agent) ? 'Chrome' : /Safari\//.exec(agent) ? 'Safari' : 'Circle client';
  const system = /Android/.exec(agent) ? 'Android' : /iPhone|iPad/.exec(agent) ? 'iOS' : /Windows/.exec(agent) ? 'Windows' : /Mac OS/.exec(agent) ? 'macOS' : /Linux/.exec(agent) ? 'Linux' : null;
  return system === null ? browser : `${browser} on ${system}`;
}
