/**
 * The store key: wrapped by the password, or by a passphrase of this browser in its place, by a passkey beside either, and
 * by two halves for as long as the browser session lasts.
 */
import { CircleFailure } from '../../errors';
import { asBytes, concat, fromHex, toHex, utf8, type Bytes } from '../protocol/bytes';
import { passwordAuth, passwordRoot, passwordUnlock, type PasswordParameters } from '../protocol/password';
import { ARGON, gcmOpen, gcmSeal, randomBytes } from '../protocol/primitives';
import type { BrowserSession, KnownAccount, StretchedPassword } from '../keeper';
import type { PassphraseSlot } from '../timeKeeper';

const NONCE = 12;
const KEY = 32;
const SALT = 16;

type Place = Pick<KnownAccount, 'member' | 'device'>;

function place(what: 'password' | 'session' | 'passphrase' | 'passkey' | 'parked', account: Place): Bytes {
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
    return { wrapped: await sealed(await this.#unlockKey(account, ticket), place('password', account), storeKey), storeKey };
  }

  /** The store key, or null when the password is not the one. */
  async open(account: KnownAccount, ticket: string): Promise<Bytes | null> {
    return opened(await this.#unlockKey(account, ticket), place('password', account), account.wrapped);
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
    const { storeKey, account } = this.#opened();
    const half = randomBytes(KEY);
    const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
    const inner = await gcmSeal(half, null, place('session', account), storeKey);
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

  // ---- other slots

  /** Argon2id as for the password, with a salt of its own. Throws a ProtocolError for an ill-formed passphrase. */
  async slotOfPassphrase(known: KnownAccount, passphrase: string, before: PassphraseSlot | null): Promise<PassphraseSlot> {
    const { storeKey, account } = this.#opened();
    const parameters = { salt: randomBytes(SALT), ...ARGON };
    const key = await this.#passphraseKey(account, passphrase, parameters);
    return {
      ...parameters,
      wrapped: await sealed(key, place('passphrase', account), storeKey),
      parked: before?.parked ?? (await sealed(storeKey, place('parked', account), known.wrapped)),
    };
  }

  /** The store key, or null when the passphrase is not the one. */
  async openPassphrase(account: Place, slot: PassphraseSlot, passphrase: string): Promise<Bytes | null> {
    return opened(await this.#passphraseKey(account, passphrase, slot), place('passphrase', account), slot.wrapped);
  }

  /** The password's slot as it was before there was a passphrase. */
  async unpark({ parked }: PassphraseSlot): Promise<Bytes> {
    const { storeKey, account } = this.#opened();
    const wrapped = await opened(storeKey, place('parked', account), parked);
    if (!wrapped) throw new CircleFailure('STORE_DAMAGED', 'What this browser keeps for Circle is damaged and cannot be read.');
    return wrapped;
  }

  async slotOfPasskey(secret: Bytes): Promise<Bytes> {
    const { storeKey, account } = this.#opened();
    const iv = randomBytes(NONCE);
    const key = await passkeyKey(secret, account);
    return concat(iv, asBytes(await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData: place('passkey', account) }, key, storeKey)));
  }

  /** The store key, or null when the secret is not the one. */
  async openPasskey(account: Place, slot: Bytes, secret: Bytes): Promise<Bytes | null> {
    const key = await passkeyKey(secret, account);
    try {
      const algorithm = { name: 'AES-GCM', iv: slot.slice(0, NONCE), additionalData: place('passkey', account) };
      return asBytes(await crypto.subtle.decrypt(algorithm, key, slot.slice(NONCE)));
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

  #opened(): { storeKey: Bytes; account: Place } {
    if (!this.#storeKey || !this.#account) throw new CircleFailure('LOCKED', 'Please unlock Circle first.');
    return { storeKey: this.#storeKey, account: this.#account };
  }

  async #passphraseKey({ member, device }: Place, passphrase: string, parameters: PasswordParameters): Promise<Bytes> {
    return passwordUnlock(await passwordRoot(passphrase, parameters), fromHex(member), fromHex(device));
  }

  #unlockKey(account: Place, ticket: string): Promise<Bytes> {
    const root = this.#roots.get(ticket);
    if (!root) throw new CircleFailure('LOCKED', 'Please enter your password again.');
    return passwordUnlock(root, fromHex(account.member), fromHex(account.device));
  }
}

/** Nonce, then ciphertext. */
async function sealed(key: Bytes, additional: Bytes, plain: Bytes): Promise<Bytes> {
  const nonce = randomBytes(NONCE);
  return concat(nonce, await gcmSeal(key, nonce, additional, plain));
}

function opened(key: Bytes, additional: Bytes, slot: Bytes): Promise<Bytes | null> {
  return gcmOpen(key, slot.slice(0, NONCE), additional, slot.slice(NONCE));
}

/** From a passkey's PRF output, by HKDF, a key that no script can read. The output has done its work then. */
async function passkeyKey(secret: Bytes, account: Place): Promise<CryptoKey> {
  const base = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveKey']);
  secret.fill(0);
  const derivation = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: place('passkey', account) };
  return crypto.subtle.deriveKey(derivation, base, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
}
