import { openDB, type IDBPDatabase } from 'idb';

/** What this browser knows of an account before its keys are unlocked. Nothing here is secret by itself. */
export interface AccountRecord {
  member: string;
  device: string;
  handle: string;
  displayName: string;
  salt: Uint8Array<ArrayBuffer>;
  memoryKib: number;
  iterations: number;
  lanes: number;
  /** The store key, AES-GCM under password-unlock (e2ee.md section 12): nonce, then ciphertext. */
  wrapped: Uint8Array<ArrayBuffer>;
  database: string;
  /** 'joining' until the server has taken the sign-up; 'signed-out' keeps the keys wrapped here. */
  standing: 'joining' | 'active' | 'signed-out';
  usedAt: number;
}

/** The half of a browser session that lies in IndexedDB; worthless without the other, which ends with the tabs. */
export interface SessionHalf {
  member: string;
  key: CryptoKey;
  blob: Uint8Array<ArrayBuffer>;
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
