/** Devices on their way in: one at a time, in a store of its own that holds nothing else until it is in. */
import { deleteDB } from 'idb';
import { CircleFailure } from '../../errors';
import type { RecordStore, Write } from '../../store/sealed';
import type { DeviceKeeper, NewDevice, NewPlace, Newcomer } from '../deviceKeeper';
import type { KnownAccount } from '../keeper';
import { toHex, type Bytes } from '../protocol/bytes';
import { storeKeyring } from './keyring';
import { enter, makeParts, makeRecoveryKey, newcomerOf, offer, recover, reset, type NewRecoveryKey, type Parts, type StoredNewcomer } from './newcomer';
import { People } from './people';
import type { Vault } from './vault';
import type { Identity } from './wire';

export const NEWCOMER = 'newcomer';
/** Where the account's log stood at least, as the device that let this one in said. */
export const ACCOUNT_PIN = 'account-pin';

interface Waiting {
  store: RecordStore;
  database: string;
  one: StoredNewcomer;
}

interface Resetting {
  parts: Parts;
  recovery: NewRecoveryKey;
  account: KnownAccount;
  storeKey: Bytes;
}

export class Arrivals {
  readonly #vault: Vault;
  readonly #open: (account: KnownAccount, storeKey: Bytes) => Promise<RecordStore>;
  #waiting: Waiting | null = null;
  #resetting: Resetting | null = null;

  constructor(vault: Vault, open: (account: KnownAccount, storeKey: Bytes) => Promise<RecordStore>) {
    this.#vault = vault;
    this.#open = open;
  }

  /** What waits in a store that was opened, if that is all it holds. */
  async resume(store: RecordStore, database: string): Promise<boolean> {
    const one = (await store.get('records', NEWCOMER)) as StoredNewcomer | undefined;
    if (one) this.#waiting = { store, database, one };
    return one !== undefined;
  }

  newcomer(): Newcomer | null {
    return this.#waiting ? newcomerOf(this.#waiting.one) : null;
  }

  async makeOffer(place: NewPlace): Promise<Awaited<ReturnType<DeviceKeeper['makeOffer']>>> {
    const parts = await makeParts(place.member);
    const one = await offer(parts);
    return { ...(await this.#keep(place, parts, one)), offer: one.offer };
  }

  async makeRecovery(place: Parameters<DeviceKeeper['makeRecovery']>[0]): Promise<Awaited<ReturnType<DeviceKeeper['makeRecovery']>>> {
    const parts = await makeParts(place.member);
    const one = await recover(parts, place.words, place.identity, place.box);
    return { ...(await this.#keep(place, parts, one)), request: one.request };
  }

  async makeReset(place: NewPlace): Promise<NewDevice & { words: string[] }> {
    await this.drop();
    const parts = await makeParts(place.member);
    const recovery = await makeRecoveryKey(parts.by.member);
    const { account, storeKey } = await this.#place(place, parts);
    this.#resetting = { parts, recovery, account, storeKey };
    return { device: account.device, wrapped: account.wrapped, words: recovery.words };
  }

  async confirmReset(identity: Identity): Promise<Awaited<ReturnType<DeviceKeeper['confirmReset']>>> {
    if (!this.#resetting) throw new CircleFailure('INVALID', 'This reset is no longer open. Please start again.');
    const { parts, recovery, account, storeKey } = this.#resetting;
    const one = await reset(parts, recovery.keys, identity);
    this.#waiting?.store.close();
    this.#waiting = await this.#write(account, storeKey, one);
    return one.request;
  }

  /** The store of a device that is in, with all that it begins with. */
  async enter(entry: Parameters<DeviceKeeper['enter']>[0]): Promise<{ store: RecordStore; database: string }> {
    if (!this.#waiting) throw new CircleFailure('INVALID', 'No new device is waiting to be let in. Please start again.');
    const { store, one, database } = this.#waiting;
    const { keyring, account } = await enter(one, entry);
    const people = new People(store, keyring.member);
    const { writes: learned } = await people.learn(entry.identity);
    const { chain } = await people.get(keyring.member);
    const writes: Write[] = [
      ...learned,
      // By the answer's MAC, the recovery key or this device's own signature: not by the server's word alone.
      people.prove(keyring.member, chain.identity),
      { table: 'records', key: 'keyring', value: storeKeyring(keyring) },
      { table: 'records', key: NEWCOMER, value: undefined },
    ];
    if (account) writes.push({ table: 'records', key: ACCOUNT_PIN, value: account });
    await store.write(writes);
    this.#waiting = null;
    this.#resetting = null;
    return { store, database };
  }

  /** Gives up, and deletes what was kept. A reset that the person has seen the words of can still be confirmed. */
  async drop(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.store.close();
    if (waiting) await deleteDB(waiting.database);
  }

  /** Out of memory; what is stored stays. */
  forget(): void {
    this.#waiting?.store.close();
    this.#waiting = null;
    this.#resetting = null;
  }

  async #keep(place: NewPlace, parts: Parts, one: StoredNewcomer): Promise<NewDevice> {
    await this.drop();
    this.#resetting = null;
    const { account, storeKey } = await this.#place(place, parts);
    this.#waiting = await this.#write(account, storeKey, one);
    return { device: account.device, wrapped: account.wrapped };
  }

  async #place({ member, ticket, database }: NewPlace, { by }: Parts): Promise<{ account: KnownAccount; storeKey: Bytes }> {
    const device = toHex(by.device);
    const { wrapped, storeKey } = await this.#vault.create({ member, device }, ticket);
    return { account: { member, device, wrapped, database }, storeKey };
  }

  async #write(account: KnownAccount, storeKey: Bytes, one: StoredNewcomer): Promise<Waiting> {
    const store = await this.#open(account, storeKey);
    await store.write([{ table: 'records', key: NEWCOMER, value: one }]);
    return { store, database: account.database, one };
  }
}
