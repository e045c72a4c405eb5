/** Passphrase, passkey and idle lock of one browser, against a server that knows its session and nothing else. */
import 'fake-indexeddb/auto';
import { openDB } from 'idb';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { fromBase64, toBase64, toHex, type Bytes } from '../../src/bytes';
import { decode, type Value } from '../../src/crypto/protocol/cbor';
import { Client } from '../../src/engine/client';
import type { Passkeys } from '../../src/engine/passkeys';
import { CircleFailure } from '../../src/errors';
import type { AccountRecord } from '../../src/store/accounts';
import { until } from '../integration/people';

const PASSWORD = 'correct horse battery';
const PASSPHRASE = 'only on this machine';
const salt = toBase64(new Uint8Array(16));
const fragment = 'AAAAAAAAAAAAAAAAAAAAAA';

/** A passkey that derives like a real one: from its own secret and the salt. */
class FakePasskeys implements Passkeys {
  readonly #secrets = new Map<string, Bytes>();
  refuses = false;

  canUse(): Promise<boolean> {
    return Promise.resolve(true);
  }

  async create(_name: string, given: Bytes): Promise<{ id: Bytes; secret: Bytes }> {
    const id = crypto.getRandomValues(new Uint8Array(16));
    this.#secrets.set(toHex(id), crypto.getRandomValues(new Uint8Array(32)));
    return { id, secret: await this.derive(id, given) };
  }

  async derive(id: Bytes, given: Bytes): Promise<Bytes> {
    const secret = this.#secrets.get(toHex(id));
    if (this.refuses || !secret) throw new CircleFailure('PASSKEY_CANCELLED', 'The passkey was not used.');
    return new Uint8Array(await crypto.subtle.digest('SHA-256', Uint8Array.from([...secret, ...given])));
  }

  /** The person has other fingers now, as it were. */
  replaceSecrets(): void {
    for (const id of this.#secrets.keys()) this.#secrets.set(id, crypto.getRandomValues(new Uint8Array(32)));
  }
}

class Tab implements Pick<Storage, 'getItem' | 'setItem' | 'removeItem'> {
  readonly #items = new Map<string, string>();
  getItem(key: string): string | null {
    return this.#items.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    this.#items.set(key, value);
  }

  removeItem(key: string): void {
    this.#items.delete(key);
  }
}

/** Never gets through: the network is of no matter here. */
class NoSocket extends EventTarget {
  close(): void {
    this.dispatchEvent(new Event('close'));
  }
}

interface Server {
  member: string;
  device: string | null;
  isSignedIn: boolean;
}

let count = 0;
let database: string;
let tab: Tab;
let signs: EventTarget;
let passkeys: FakePasskeys;
let server: Server;
let client: Client;

function viewer(): unknown {
  if (!server.isSignedIn) return null;
  const member = { id: 'node-ada', protocolId: server.member, handle: 'ada', displayName: 'Ada', role: 'MEMBER' };
  const session = { id: 's', device: server.device === null ? null : { id: 'd', protocolId: server.device } };
  return { member, session, account: { id: 'a', protocolId: server.member, head: 1, headHash: salt } };
}

const answers: Record<string, (input: Record<string, unknown>) => unknown> = {
  PasswordParameters: () => ({ passwordParameters: { salt, memoryKib: 65536, iterations: 3, lanes: 1 } }),
  PreviewInvite: () => ({ invite: { role: 'OWNER', expiresAt: '2030-01-01T00:00:00Z', inviter: null } }),
  Viewer: () => ({ viewer: viewer() }),
  SignUp: (input) => {
    const body = decode(fromBase64((input['identity'] as { body: string }).body)) as Map<number, Value>;
    const statement = body.get(5) as Map<number, Value>;
    Object.assign(server, { member: toBase64(body.get(1) as Bytes), device: toBase64(statement.get(0) as Bytes), isSignedIn: true });
    return { signUp: { viewer: viewer(), token: null, errors: [] } };
  },
  SignIn: (input) => {
    Object.assign(server, { device: input['device'] ?? null, isSignedIn: true });
    return { signIn: { viewer: viewer(), token: null, errors: [] } };
  },
  SignOut: () => {
    server.isSignedIn = false;
    return { signOut: { errors: [] } };
  },
};

/** The page as it is after a reload, or in a new start of the browser with another tab. */
function page(): Client {
  const fake: typeof fetch = (_input, init) => {
    const { query, variables } = JSON.parse(init?.body as string) as { query: string; variables: { input?: Record<string, unknown> } };
    const answer = answers[/(?:query|mutation) (\w+)/.exec(query)?.[1] ?? ''];
    return answer ? Promise.resolve(new Response(JSON.stringify({ data: answer(variables.input ?? {}) }))) : new Promise(() => undefined);
  };
  return new Client({ origin: 'http://circle.test', databaseName: database, fetch: fake, tabStorage: tab, webSocketImpl: NoSocket, passkeys, signs });
}

async function reload(): Promise<void> {
  client.stop();
  client = page();
  await client.start();
}

const phase = () => client.store.getState().phase;

async function record(): Promise<AccountRecord> {
  const stored = await openDB(database);
  const [found] = (await stored.getAll('accounts')) as AccountRecord[];
  stored.close();
  if (!found) throw new Error('There is an account.');
  return found;
}

async function sessions(): Promise<number> {
  const stored = await openDB(database);
  const found = await stored.count('sessions');
  stored.close();
  return found;
}

beforeAll(() => { vi.stubGlobal('WebSocket', NoSocket); });

beforeEach(async () => {
  count += 1;
  database = `locking-${count}`;
  [tab, signs, passkeys] = [new Tab(), new EventTarget(), new FakePasskeys()];
  server = { member: '', device: null, isSignedIn: false };
  client = page();
  await client.start();
  const pending = await client.prepareSignUp({ fragment, handle: 'ada', displayName: 'Ada', password: PASSWORD, deviceName: 'test' });
  await client.completeSignUp(pending);
  expect(phase()).toBe('ready');
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  client.stop();
});

describe('a passphrase of this browser', () => {
  it('takes the place of the password, at every start and reload', async () => {
    await reload();
    expect(phase()).toBe('ready'); // the same browser session, without a passphrase
    await expect(client.locking.setPassphrase('too short')).rejects.toMatchObject({ code: 'PASSPHRASE_SHORT' });
    await client.locking.setPassphrase(PASSPHRASE);
    expect(await client.locking.state()).toMatchObject({ passphrase: true, passkey: false });
    expect((await record()).wrapped).toHaveLength(0);
    expect(await sessions()).toBe(0);
    await reload();
    expect(phase()).toBe('locked');
    expect(await client.locking.state()).toMatchObject({ passphrase: true });
    await expect(client.unlock(PASSWORD)).rejects.toMatchObject({ code: 'WRONG_PASSPHRASE' });
    await client.unlock(PASSPHRASE);
    expect(phase()).toBe('ready');
    await reload();
    expect(phase()).toBe('locked');
  });

  it('can be changed, and taken away: then the password opens as before', async () => {
    await client.locking.setPassphrase(PASSPHRASE);
    await client.locking.setPassphrase('another one altogether');
    await reload();
    await expect(client.unlock(PASSPHRASE)).rejects.toMatchObject({ code: 'WRONG_PASSPHRASE' });
    await expect(client.locking.setPassphrase(null)).rejects.toMatchObject({ code: 'LOCKED' });
    await client.unlock('another one altogether');
    await client.locking.setPassphrase(null);
    await client.locking.setPassphrase(null);
    expect(await client.locking.state()).toMatchObject({ passphrase: false });
    await reload();
    expect(phase()).toBe('ready');
    await client.lock();
    await expect(client.unlock('another one altogether')).rejects.toMatchObject({ code: 'WRONG_PASSWORD' });
    await client.unlock(PASSWORD);
    expect(phase()).toBe('ready');
  });

  it('is set whole or not at all', async () => {
    vi.spyOn(IDBObjectStore.prototype, 'delete').mockImplementationOnce(() => { throw new DOMException('The disk is full.', 'QuotaExceededError'); });
    await expect(client.locking.setPassphrase(PASSPHRASE)).rejects.toThrow();
    expect(await client.locking.state()).toMatchObject({ passphrase: false });
    await reload();
    expect(phase()).toBe('ready');
    await client.lock();
    await client.unlock(PASSWORD);
    expect(phase()).toBe('ready');
  });

  it('is asked for after signing in with the password, which alone signs in', async () => {
    await client.locking.setPassphrase(PASSPHRASE);
    await client.lock();
    server.isSignedIn = false;
    await client.unlock(PASSPHRASE);
    // The session has ended meanwhile, and a passphrase starts none.
    await until(() => phase() === 'signed-out');
    await client.signIn({ handle: 'ada', password: PASSWORD });
    expect(phase()).toBe('locked');
    await reload();
    expect(phase()).toBe('locked');
    await client.unlock(PASSPHRASE);
    expect(phase()).toBe('ready');
    await client.signOut();
    expect(phase()).toBe('signed-out');
    await client.signIn({ handle: 'ada', password: PASSWORD });
    expect(phase()).toBe('locked');
  });

  it('that was forgotten leads to a new device, and back as long as there is none', async () => {
    await client.locking.setPassphrase(PASSPHRASE);
    await reload();
    await client.signIn({ handle: 'ada', password: PASSWORD });
    expect(phase()).toBe('no-keys');
    expect(server.device).toBeNull();
    await reload();
    await client.unlock(PASSPHRASE);
    expect(phase()).toBe('ready');
  });
});

describe('a passkey', () => {
  it('opens the store beside the password, until it is removed', async () => {
    expect(await client.locking.state()).toMatchObject({ canUsePasskey: true, passkey: false });
    await client.lock();
    await expect(client.locking.unlockWithPasskey()).rejects.toMatchObject({ code: 'NO_PASSKEY' });
    await expect(client.locking.addPasskey()).rejects.toMatchObject({ code: 'LOCKED' });
    await client.unlock(PASSWORD);
    await client.locking.addPasskey();
    expect(await client.locking.state()).toMatchObject({ passkey: true });
    await client.lock();
    await client.locking.unlockWithPasskey();
    expect(phase()).toBe('ready');
    await client.lock();
    await client.unlock(PASSWORD);
    await client.locking.removePasskey();
    await client.lock();
    await expect(client.locking.unlockWithPasskey()).rejects.toMatchObject({ code: 'NO_PASSKEY' });
  });

  it('opens beside a passphrase too, and nothing where it derives something else', async () => {
    await client.locking.addPasskey();
    await client.locking.setPassphrase(PASSPHRASE);
    await reload();
    await client.locking.unlockWithPasskey();
    expect(phase()).toBe('ready');
    await client.locking.setPassphrase(null);
    await client.lock();
    passkeys.refuses = true;
    await expect(client.locking.unlockWithPasskey()).rejects.toMatchObject({ code: 'PASSKEY_CANCELLED' });
    passkeys.refuses = false;
    passkeys.replaceSecrets();
    await expect(client.locking.unlockWithPasskey()).rejects.toMatchObject({ code: 'WRONG_PASSKEY' });
    await client.unlock(PASSWORD);
    expect(phase()).toBe('ready');
  });

  it('that is not made leaves everything as it was', async () => {
    passkeys.refuses = true;
    await expect(client.locking.addPasskey()).rejects.toMatchObject({ code: 'PASSKEY_CANCELLED' });
    expect(await client.locking.state()).toMatchObject({ passkey: false });
    const { locks } = await record();
    expect(locks).toBeUndefined();
  });

  it('keeps its secret to itself: what is stored opens nothing', async () => {
    const seen: Bytes[] = [];
    vi.spyOn(passkeys, 'derive').mockImplementation(() => {
      const secret = new Uint8Array(32).fill(7);
      seen.push(secret);
      return Promise.resolve(secret);
    });
    await client.locking.addPasskey();
    const { locks } = await record();
    expect(toHex(locks?.passkey?.wrapped ?? new Uint8Array())).not.toContain('07'.repeat(32));
    expect(seen.map((secret) => [...new Set(secret)])).toEqual([[0]]); // wiped after use
  });
});

describe('the idle lock', () => {
  const MINUTE = 60_000;
  const use = () => signs.dispatchEvent(new Event('keydown'));

  it('locks when nobody has used Circle for so long, and not before', async () => {
    await expect(client.locking.setIdleMinutes(0)).rejects.toMatchObject({ code: 'INVALID' });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], shouldAdvanceTime: false });
    await client.locking.setIdleMinutes(5);
    await vi.advanceTimersByTimeAsync(4 * MINUTE);
    use();
    await vi.advanceTimersByTimeAsync(4 * MINUTE);
    expect(phase()).toBe('ready');
    await vi.advanceTimersByTimeAsync(MINUTE);
    vi.useRealTimers();
    await until(() => phase() === 'locked');
    await client.unlock(PASSWORD);
    expect(await client.locking.state()).toMatchObject({ idleMinutes: 5 });
    await client.locking.setIdleMinutes(null);
    expect(await client.locking.state()).toMatchObject({ idleMinutes: null });
  });

  it('is not missed by a machine that slept, nor by a tab that comes back later', async () => {
    await client.locking.setIdleMinutes(5);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 5 * MINUTE });
    use();
    await until(() => phase() === 'locked');
    await client.unlock(PASSWORD);
    await reload();
    expect(phase()).toBe('ready');
    client.stop();
    vi.setSystemTime(Date.now() + 5 * MINUTE);
    await reload();
    expect(phase()).toBe('locked');
    expect(await sessions()).toBe(0);
  });
});
