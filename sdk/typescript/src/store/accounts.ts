import { openDB, type IDBPDatabase } from 'idb';
import type { PassphraseSlot } from '../crypto';
import type { Revocation } from '../errors';

/**
 * Where an account stands on this browser. 'joining' until the server has taken the sign-up, 'entering' until a linked
 * or recovered device is one of the member's; 'signed-out' keeps the keys wrapped here; 'unusable': the keys are gone, or
 * open nothing any more, and the device must be replaced by a new one.
 */
export type Standing = 'joining' | 'entering' | 'active' | 'signed-out' | 'unusable';

/** Not given the newest key: away for too long, or not and left out all the same. */
export type LeftOut = 'outdated' | 'withheld';

/** How a device's keys come to open nothing any more: the browser has cleared them, or a renewal passed it by. */
export type Unusable = 'evicted' | LeftOut;

/** What holds one device's keys. */
export interface DevicePlace {
  device: string;
  /** The store key, AES-GCM under password-unlock (e2ee.md section 12): nonce, then ciphertext. */
  wrapped: Uint8Array<ArrayBuffer>;
  database: string;
}

/** A passkey's slot: which passkey, what it is asked to derive from, and what that opens. */
export interface PasskeySlot {
  id: Uint8Array<ArrayBuffer>;
  salt: Uint8Array<ArrayBuffer>;
  wrapped: Uint8Array<ArrayBuffer>;
}

/** How this browser's store of keys is locked, beyond the password. */
export interface Locks {
  /** While set, `wrapped` is empty: the password opens nothing here. */
  passphrase: PassphraseSlot | null;
  passkey: PasskeySlot | null;
  idleMinutes: number | null;
}

/** What this browser knows of an account before its keys are unlocked. Nothing here is secret by itself. */
export interface AccountRecord extends DevicePlace {
  member: string;
  handle: string;
  displayName: string;
  salt: Uint8Array<ArrayBuffer>;
  memoryKib: number;
  iterations: number;
  lanes: number;
  standing: Standing;
  usedAt: number;
  locks?: Locks;
  /** While unusable: how it came to that. */
  why?: Unusable;
  /** While entering: what this browser was before, kept until the new device is in. */
  former?: AccountRecord;
  /** A device that this browser was, and whose keys it lost. Certain where this record itself named it. */
  lost?: { device: string; isCertain: boolean };
  /** Said by the server while the keys were locked: whether it is true shows when they are unlocked. */
  revocation?: Revocation;
  /** The recovery key in force was written down; unknown counts as yes. */
  isKeyConfirmed?: boolean;
  /** The member's other devices were told so. */
  isKeyTold?: boolean;
  /** After a reset, until the account's space holds the new identity. */
  mustReadmit?: boolean;
}

/** What an account is locked with; nothing where nothing was ever set. */
export function locksOf({ locks }: Pick<AccountRecord, 'locks'>): Locks {
  return locks ?? { passphrase: null, passkey: null, idleMinutes: null };
}

/** The half of a browser session that lies in IndexedDB; worthless without the other, which ends with the tabs. */
export interface SessionHalf {
  member: string;
  key: CryptoKey;
  blob: Uint8Array<ArrayBuffer>;
  /** When somebody last did something in a tab of it. */
  usedAt: number;
}

/** Whether a database of this name is there; true where the browser does not tell. */
export async function isKept(database: string): Promise<boolean> {
  if (!('databases' in indexedDB)) return true;
  return (await indexedDB.databases()).some(({ name }) => name === database);
}

/** The accounts known to this browser: one small database beside the accounts' own. */
export class Accounts {
  readonly #database: Promise<IDBPDatabase>;

  constructor(name: string) {
    this.#database = openDB(name, 1, {
      upgrade(fresh) {
        fresh.createObjectStore('accounts', { keyPath: 'member' });
        fresh.createObjectStore('sessions', { keyPath: 'member' });
      },
    });
  }

  /** The account used last, if any. */
  async latest(): Promise<AccountRecord | null> {
    const all = await this.#all();
    return all.toSorted((one, other) => other.usedAt - one.usedAt)[0] ?? null;
  }

  async byHandle(handle: string): Promise<AccountRecord | null> {
    return (await this.#all()).find((account) => account.handle === handle) ?? null;
  }

  async byMember(member: string): Promise<AccountRecord | null> {
    return ((await (await this.#database).get('accounts', member)) as AccountRecord | undefined) ?? null;
  }

  async put(account: AccountRecord): Promise<void> {
    await (await this.#database).put('accounts', account);
  }

  /** A changed lock, and with it the end of the browser session that knew the one before: both or neither. */
  async relock(account: AccountRecord, endsSession: boolean): Promise<void> {
    const transaction = (await this.#database).transaction(['accounts', 'sessions'], 'readwrite', { durability: 'strict' });
    const waiting: Promise<unknown>[] = [transaction.done];
    try {
      waiting.push(transaction.objectStore('accounts').put(account));
      if (endsSession) waiting.push(transaction.objectStore('sessions').delete(account.member));
      await Promise.all(waiting);
    } catch (error) {
      for (const one of waiting) one.catch(() => undefined);
      // A request that failed has ended the transaction already; one that could not be made has not.
      try {
        transaction.abort();
      } catch {
        // ended
      }
      throw error;
    }
  }

  /** Somebody is using this browser session. */
  async touch(member: string, usedAt: number): Promise<void> {
    const transaction = (await this.#database).transaction('sessions', 'readwrite');
    const half = (await transaction.store.get(member)) as SessionHalf | undefined;
    if (half) await transaction.store.put({ ...half, usedAt });
    await transaction.done;
  }

  async forget(member: string): Promise<void> {
    await (await this.#database).delete('accounts', member);
    await this.dropSession(member);
  }

  async session(member: string): Promise<SessionHalf | null> {
    return ((await (await this.#database).get('sessions', member)) as SessionHalf | undefined) ?? null;
  }

  async keepSession(half: SessionHalf): Promise<void> {
    await (await this.#database).put('sessions', half);
  }

  async dropSession(member: string): Promise<void> {
    await (await this.#database).delete('sessions', member);
  }

  async #all(): Promise<AccountRecord[]> {
    return (await (await this.#database).getAll('accounts')) as AccountRecord[];
  }
}
