/** The store key: wrapped by the password for good, and by two halves for as long as the browser session lasts. */
import { CircleFailure } from '../../errors';
import { asBytes, concat, fromHex, toHex, utf8, type Bytes } from '../protocol/bytes';
import { passwordAuth, passwordRoot, passwordUnlock, type PasswordParameters } from '../protocol/password';
import { gcmOpen, gcmSeal, randomBytes } from '../protocol/primitives';
import type { BrowserSession, KnownAccount, StretchedPassword } from '../keeper';

const NONCE = 12;
const KEY = 32;

type Place = Pick<KnownAccount, 'member' | 'device'>;

function place(what: 'password' | 'session', account: Place): Bytes {
  return utf8(`circle/store-key/v1 ${what} ${account.member} ${account.device}`);
}

/** Holds the stretched passwords that are waiting to be used, and the store key while unlocked. */
export class Vault {
  readonly #roots = new Map<string, Bytes>();
  #storeKey: Bytes | null = null;
  #account: Place | null = null;

  /** Throws a ProtocolError for weak parameters or an ill-formed password. */
  async stretch(password: string, parameters: PasswordParameters): Promise<StretchedPassword> {
    const root = await passwordRoot(password, parameters);
    const ticket = toHex(randomBytes(16));
    this.#roots.clear();
    this.#roots.set(ticket, root);
    return { ticket, authKey: await passwordAuth(root) };
  }

  /** A new random store key under the password. */
  async create(account: Place, ticket: string): Promise<{ wrapped: Bytes; storeKey: Bytes }> {
    const storeKey = randomBytes(KEY);
    const nonce = randomBytes(NONCE);
    const sealed = await gcmSeal(await this.#unlockKey(account, ticket), nonce, place('password', account), storeKey);
    return { wrapped: concat(nonce, sealed), storeKey };
  }

  /** The store key, or null when the password is not the one. */
  async open(account: KnownAccount, ticket: string): Promise<Bytes | null> {
    const key = await this.#unlockKey(account, ticket);
    return gcmOpen(key, account.wrapped.slice(0, NONCE), place('password', account), account.wrapped.slice(NONCE));
  }

  /** Takes a store key into use. */
  async use(account: Place, storeKey: Bytes): Promise<CryptoKey> {
    this.#storeKey = storeKey;
    this.#account = { member: account.member, device: account.device };
    return crypto.subtle.importKey('raw', storeKey, 'AES-GCM', false, ['encrypt', 'decrypt']);
  }

  /**
   * Wraps the store key for this browser session: under a key that no script can read out of IndexedDB, and under a
   * half that lies in the tab's session storage and ends with it. Neither opens anything alone.
   */
  async share(): Promise<BrowserSession> {
    if (!this.#storeKey || !this.#account) throw new CircleFailure('LOCKED', 'Please unlock Circle first.');
    const half = randomBytes(KEY);
    const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
    const inner = await gcmSeal(half, null, place('session', this.#account), this.#storeKey);
    const nonce = randomBytes(NONCE);
    const outer = asBytes(await crypto.subtle.encrypt({ name: 'AES-GCM', iv: nonce }, key, inner));
    return { half, key, blob: concat(nonce, outer) };
  }

  /** The store key from both halves, or null when they do not fit. */
  async join(account: KnownAccount, session: BrowserSession): Promise<Bytes | null> {
    try {
      const iv = session.blob.slice(0, NONCE);
      const inner = asBytes(await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, session.key, session.blob.slice(NONCE)));
      return await gcmOpen(session.half, null, place('session', account), inner);
    } catch {
      return null;
    }
  }

  /** The password's root has done its work. */
  settle(): void {
    for (const root of this.#roots.values()) root.fill(0);
    this.#roots.clear();
  }

  lock(): void {
    this.#storeKey?.fill(0);
    this.#storeKey = null;
    this.#account = null;
    this.settle();
  }

  #unlockKey(account: Place, ticket: string): Promise<Bytes> {
    const root = this.#roots.get(ticket);
    if (!root) throw new CircleFailure('LOCKED', 'Please enter your password again.');
    return passwordUnlock(root, fromHex(account.member), fromHex(account.device));
  }
}
