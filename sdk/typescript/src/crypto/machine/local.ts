/** The keeper itself: runs in the web worker, or in the same process where there are no workers. */
import { deleteDB } from 'idb';
import { Mutex } from '../../mutex';
import { CircleFailure } from '../../errors';
import { SealedStore, type RecordStore } from '../../store/sealed';
import type { Keeper, KnownAccount, Loaded, NewAccount, NewAccountInput } from '../keeper';
import type { Bytes } from '../protocol/bytes';
import { linkId, linkKeyOf } from '../protocol/linking';
import { verifyMemberChain } from '../protocol/member';
import { Alarms } from './alarms';
import { AccountNotes } from './accountSpace';
import { Offers, type Context } from './context';
import { fromProtocol } from './failures';
import { Arrivals } from './arrivals';
import { Devices } from './devices';
import { InviteBook } from './inviteBook';
import { openKeyring, storeKeyring, type StoredKeyring } from './keyring';
import { answerOffer, checkOffer } from './linking';
import { Markers } from './markers';
import { Marks } from './marks';
import { makeAccount, type MadeAccount } from './newAccount';
import { nextSeal, sealPublished } from './ownKeys';
import { People } from './people';
import { Pins } from './pins';
import { queuedItem } from './queue';
import { Reading } from './reading';
import { Rooms } from './rooms';
import { Sending } from './sending';
import { Vault } from './vault';
import type { PersonRecord } from './wire';

/** Items that are shown at once after a start, of the newest conversations and of the others; opening loads more. */
const FIRST_ITEMS = 30;
const FEW_ITEMS = 2;
const NEWEST = 30;

interface Inside {
  context: Context;
  rooms: Rooms;
  reading: Reading;
  sending: Sending;
  markers: Markers;
  invites: InviteBook;
  devices: Devices;
  database: string;
  pins: Pins;
  alarms: Alarms;
  marks: Marks;
}

interface PendingAccount {
  made: MadeAccount;
  storeKey: Bytes;
  database: string;
  inviter: string | null;
}

export class LocalKeeper implements Keeper {
  readonly #vault = new Vault();
  readonly #lock = new Mutex();
  readonly #arrivals = new Arrivals(this.#vault, (account, storeKey) => this.#openStore(account, storeKey));
  #pending: PendingAccount | null = null;
  #inside: Inside | null = null;

  readonly isThere: Keeper['isThere'] = () => Promise.resolve(true);

  // ---- the account

  readonly stretch: Keeper['stretch'] = (password, parameters) => plain(() => this.#vault.stretch(password, parameters));

  readonly makeAccount: Keeper['makeAccount'] = (input) => plain(() => this.#makeAccount(input));

  async #makeAccount(input: NewAccountInput): Promise<NewAccount> {
    const made = await makeAccount(input.fragment);
    const { wrapped, storeKey } = await this.#vault.create(made.account, input.ticket);
    this.#pending = { made, storeKey, database: input.database, inviter: input.inviter };
    return { ...made.account, wrapped };
  }

  readonly keepAccount: Keeper['keepAccount'] = (member, me) => plain(() => this.#keepAccount(member, me));

  async #keepAccount(member: string, me: { handle: string; displayName: string }): Promise<void> {
    // Asked again after a failure of the network: everything is kept already.
    if (this.#inside?.context.keyring.member === member) return;
    if (this.#pending?.made.keyring.member !== member) throw new CircleFailure('INVALID', 'This sign-up is no longer open. Please start again.');
    const { made, storeKey, database, inviter } = this.#pending;
    const store = await this.#openStore({ member, device: made.account.device, database, wrapped: new Uint8Array() }, storeKey);
    const chain = await verifyMemberChain(made.keyring.memberBytes, [made.link]);
    const person: PersonRecord = { id: member, node: '', handle: me.handle, displayName: me.displayName, serverRole: 'MEMBER' };
    const people = new People(store, member);
    const { writes: learned } = await people.learn({ person, links: [made.link], key: made.memberKey });
    const writes = [...learned, people.prove(member, chain.identity), { table: 'records' as const, key: 'keyring', value: storeKeyring(made.keyring) }];
    if (made.inviterIdentity && inviter) writes.push(people.prove(inviter, made.inviterIdentity));
    await store.write(writes);
    await this.#enter(store, database);
  }

  readonly unlock: Keeper['unlock'] = (account, ticket) =>
    plain(async () => {
      return this.#openWith(account, await this.#vault.open(account, ticket));
    });

  readonly startBrowserSession: Keeper['startBrowserSession'] = () => plain(() => this.#vault.share());

  readonly resumeBrowserSession: Keeper['resumeBrowserSession'] = (account, session) =>
    plain(async () => {
      return this.#openWith(account, await this.#vault.join(account, session));
    });

  readonly lock: Keeper['lock'] = async () => {
    this.#inside?.context.store.close();
    this.#inside = null;
    this.#pending = null;
    this.#arrivals.forget();
    this.#vault.lock();
    return Promise.resolve();
  };

  async #openWith(account: KnownAccount, storeKey: Bytes | null): Promise<boolean> {
    if (!storeKey) return false;
    await this.#enter(await this.#openStore(account, storeKey), account.database);
    return true;
  }

  async #openStore(account: KnownAccount, storeKey: Bytes): Promise<RecordStore> {
    this.#inside?.context.store.close();
    this.#inside = null;
    return SealedStore.open(account.database, await this.#vault.use(account, storeKey));
  }

  async #enter(store: RecordStore, database: string): Promise<void> {
    const stored = (await store.get('records', 'keyring')) as StoredKeyring | undefined;
    if (!stored && (await this.#arrivals.resume(store, database))) return;
    if (!stored) throw new CircleFailure('STORE_DAMAGED', 'What this browser keeps for Circle is incomplete.');
    this.#vault.settle();
    const people = new People(store, stored.member);
    await people.load();
    const context: Context = { store, people, keyring: await openKeyring(stored), offers: new Offers(), account: await AccountNotes.load(store) };
    const rooms = new Rooms(context);
    const sending = new Sending(context, rooms);
    const markers = new Markers(context, rooms);
    this.#inside = {
      context, rooms, reading: new Reading(context, rooms, markers), sending, markers, invites: new InviteBook(context),
      devices: new Devices(context, rooms), database,
      pins: new Pins(context, rooms, sending), alarms: new Alarms(context, rooms),
      marks: new Marks(context, rooms, sending),
    };
  }

  // ---- what is kept

  readonly load: Keeper['load'] = () => this.#do((inside) => load(inside));
  readonly rememberPeople: Keeper['rememberPeople'] = (people) => this.#do(({ context }) => context.store.write(context.people.remember(people)));
  readonly rememberMe: Keeper['rememberMe'] = (me) => this.#do(({ context }) => context.store.write(context.people.remember([me])));
  readonly cursor: Keeper['cursor'] = () => this.#do(({ reading }) => reading.cursor());
  readonly keepCursor: Keeper['keepCursor'] = (cursor) => this.#do(({ reading }) => reading.keepCursor(cursor));
  readonly accountHead: Keeper['accountHead'] = () => this.#do(({ reading }) => reading.accountHead());
  readonly start: Keeper['start'] = (space) => this.#do(({ reading }) => reading.start(space));
  readonly items: Keeper['items'] = (space, before, count) => this.#do(({ reading }) => reading.items(space, before, count));

  // ---- how far everybody has read

  readonly markRead: Keeper['markRead'] = (space) => this.#do(({ reading }) => reading.markRead(space));
  readonly needsOfMarkers: Keeper['needsOfMarkers'] = (all) => this.#do(({ reading }) => reading.needsOfMarkers(all));
  readonly applyMarkers: Keeper['applyMarkers'] = (all, cursor, isAfresh = false) => this.#do(({ reading }) => reading.applyMarkers(all, cursor, isAfresh));
  readonly makeMarker: Keeper['makeMarker'] = (space, scope, tells) => this.#do(({ markers }) => markers.make(space, scope, tells));
  readonly markerTold: Keeper['markerTold'] = (space, made, version) => this.#do(({ markers }) => markers.told(space, made, version));

  // ---- learning and judging

  readonly needs: Keeper['needs'] = (events) => this.#do(({ reading }) => reading.needs(events));
  readonly unknownOf: Keeper['unknownOf'] = (members) =>
    this.#do(({ context }) => Promise.resolve([...new Set(members)].filter((member) => !context.people.isKnown(member))));
  readonly needsOf: Keeper['needsOf'] = (snapshot, common) => this.#do(({ reading }) => reading.needsOf(snapshot, common));
  readonly tryIdentities: Keeper['tryIdentities'] = (identities) => this.#do(({ reading }) => reading.tryIdentities(identities));
  readonly learnIdentities: Keeper['learnIdentities'] = (identities) => this.#do(({ reading }) => reading.learnIdentities(identities));
  readonly learnEpoch: Keeper['learnEpoch'] = (space, number, epoch) =>
    this.#do(({ reading }) => {
      reading.learnEpoch(space, number, epoch);
      return Promise.resolve();
    });
  readonly openSpace: Keeper['openSpace'] = (snapshot, hasOlder, isAfresh) => this.#do(({ reading }) => reading.openSpace(snapshot, hasOlder, isAfresh));
  readonly apply: Keeper['apply'] = (events, cursor) => this.#do(({ reading }) => reading.apply(events, cursor));
  readonly applyOlder: Keeper['applyOlder'] = (space, events, hasOlder) => this.#do(({ reading }) => reading.applyOlder(space, events, hasOlder));
  readonly missing: Keeper['missing'] = (space) => this.#do(({ reading }) => reading.missing(space));
  readonly needsOfEpochs: Keeper['needsOfEpochs'] = (space, numbers) => this.#do(({ reading }) => reading.needsOfEpochs(space, numbers));
  readonly retryEpochs: Keeper['retryEpochs'] = (space, numbers) => this.#do(({ reading }) => reading.retry(space, numbers));
  readonly expire: Keeper['expire'] = () => this.#do(({ reading }) => reading.expire());
  readonly closeSpace: Keeper['closeSpace'] = (space) => this.#do(({ reading }) => reading.closeSpace(space));
  readonly checkHead: Keeper['checkHead'] = (space, seq, hash) => this.#do(({ reading }) => reading.checkHead(space, seq, hash));
  readonly raiseAlarm: Keeper['raiseAlarm'] = (space, alarm) => this.#do(({ reading }) => reading.raiseAlarm(space, alarm));
  readonly markNotDue: Keeper['markNotDue'] = (space) => this.#do(({ reading }) => reading.markNotDue(space));
  readonly markDue: Keeper['markDue'] = (space) => this.#do(({ reading }) => reading.markDue(space));

  // ---- making

  readonly makeConversation: Keeper['makeConversation'] = (input) => this.#do(({ sending }) => sending.makeConversation(input));
  readonly makeRosterLink: Keeper['makeRosterLink'] = (space, change) => this.#do(({ sending }) => sending.makeRosterLink(space, change));
  readonly makeEpoch: Keeper['makeEpoch'] = (space) => this.#do(({ sending }) => sending.makeEpoch(space));
  readonly makeGrants: Keeper['makeGrants'] = (space, member) => this.#do(({ sending }) => sending.makeGrants(space, member));
  readonly unlearned: Keeper['unlearned'] = (space, member) => this.#do(({ sending }) => sending.unlearned(space, member));
  readonly complained: Keeper['complained'] = (space, epoch) => this.#do(({ sending }) => sending.complained(space, epoch));
  readonly repaid: Keeper['repaid'] = (space, member) => this.#do(({ sending }) => sending.repaid(space, member));
  readonly isEpochChecked: Keeper['isEpochChecked'] = (space) => this.#do(({ sending }) => sending.isEpochChecked(space));
  readonly checkRecipients: Keeper['checkRecipients'] = (space) => this.#do(({ sending }) => sending.checkRecipients(space));
  readonly takeComplaint: Keeper['takeComplaint'] = (space) => this.#do(({ sending }) => sending.takeComplaint(space));

  // ---- the outbox

  readonly queueText: Keeper['queueText'] = (space, text, lifetime) => this.#do(({ sending }) => sending.queueText(space, text, lifetime));
  readonly queueState: Keeper['queueState'] = (space, title, picture) => this.#do(({ sending }) => sending.queueState(space, title, picture));
  readonly pending: Keeper['pending'] = () => this.#do(({ sending }) => sending.pending());
  readonly isSealed: Keeper['isSealed'] = (key) => this.#do(({ sending }) => sending.isSealed(key));
  readonly isTooLasting: Keeper['isTooLasting'] = (key) => this.#do(({ sending }) => sending.isTooLasting(key));
  readonly seal: Keeper['seal'] = (key, again) => this.#do(({ sending }) => sending.seal(key, again));
  readonly sent: Keeper['sent'] = (key, seq, item) => this.#do(({ sending }) => sending.sent(key, seq, item));
  readonly failed: Keeper['failed'] = (key, reason) => this.#do(({ sending }) => sending.failed(key, reason));
  readonly requeue: Keeper['requeue'] = (key) => this.#do(({ sending }) => sending.requeue(key));
  readonly discard: Keeper['discard'] = (key) => this.#do(({ sending }) => sending.discard(key));

  // ---- locks

  readonly makePassphraseSlot: Keeper['makePassphraseSlot'] = (account, passphrase, before) => plain(() => this.#vault.slotOfPassphrase(account, passphrase, before));
  readonly restorePasswordSlot: Keeper['restorePasswordSlot'] = (slot) => plain(() => this.#vault.unpark(slot));
  readonly unlockWithPassphrase: Keeper['unlockWithPassphrase'] = (account, slot, passphrase) =>
    plain(async () => this.#openWith(account, await this.#vault.openPassphrase(account, slot, passphrase)));
  readonly makePasskeySlot: Keeper['makePasskeySlot'] = (secret) => plain(() => this.#vault.slotOfPasskey(secret));
  readonly unlockWithPasskey: Keeper['unlockWithPasskey'] = (account, slot, secret) =>
    plain(async () => this.#openWith(account, await this.#vault.openPasskey(account, slot, secret)));

  // ---- devices

  readonly makeOffer: Keeper['makeOffer'] = (place) => this.#arrive((arrivals) => arrivals.makeOffer(place));
  readonly makeRecovery: Keeper['makeRecovery'] = (place) => this.#arrive((arrivals) => arrivals.makeRecovery(place));
  readonly makeReset: Keeper['makeReset'] = (place) => this.#arrive((arrivals) => arrivals.makeReset(place));
  readonly confirmReset: Keeper['confirmReset'] = (identity) => this.#arrive((arrivals) => arrivals.confirmReset(identity));
  readonly newcomer: Keeper['newcomer'] = () => this.#arrive((arrivals) => Promise.resolve(arrivals.newcomer()));
  readonly enter: Keeper['enter'] = (entry) =>
    this.#arrive(async (arrivals) => {
      const { store, database } = await arrivals.enter(entry);
      await this.#enter(store, database);
    });
  readonly dropNewcomer: Keeper['dropNewcomer'] = () => this.#arrive((arrivals) => arrivals.drop());
  readonly readCode: Keeper['readCode'] = (code) => plain(async () => linkId(linkKeyOf(code)));
  readonly checkOffer: Keeper['checkOffer'] = (code, offer) => this.#do(({ context }) => checkOffer(context, code, offer));
  readonly answerOffer: Keeper['answerOffer'] = (code, offer) => this.#do(({ context }) => answerOffer(context, code, offer));
  readonly ownKeys: Keeper['ownKeys'] = () => this.#do(({ devices }) => devices.own());
  readonly takeKey: Keeper['takeKey'] = (keyBox) => this.#do(({ devices }) => devices.takeKey(keyBox));
  readonly nextSeal: Keeper['nextSeal'] = (isWanted = false) => this.#do(({ context }) => nextSeal(context, isWanted));
  readonly sealPublished: Keeper['sealPublished'] = (seal) => this.#do(({ context }) => sealPublished(context, seal));
  readonly learnWraps: Keeper['learnWraps'] = (archive, wraps) => this.#do(({ devices }) => devices.learnWraps(archive, wraps));
  readonly olderKeysNeeded: Keeper['olderKeysNeeded'] = (space) => this.#do(({ devices }) => devices.olderKeysNeeded(space));
  readonly learnMemberKeys: Keeper['learnMemberKeys'] = (member, keys) => this.#do(({ devices }) => devices.learnMemberKeys(member, keys));
  readonly beforeRotation: Keeper['beforeRotation'] = (isThorough = false) => this.#do(({ devices }) => devices.before(isThorough));
  readonly makeRotation: Keeper['makeRotation'] = (input) => this.#do(({ devices }) => devices.rotate(input));
  readonly makeRecoveryKey: Keeper['makeRecoveryKey'] = () => this.#do(({ devices }) => devices.makeRecoveryKey());
  readonly isRecoveryKey: Keeper['isRecoveryKey'] = (words) => this.#do(({ devices }) => devices.isRecoveryKey(words));
  readonly readmitAccount: Keeper['readmitAccount'] = (space, links, epoch) => this.#do(({ devices }) => devices.readmitAccount(space, links, epoch));
  readonly wipe: Keeper['wipe'] = (proof) =>
    this.#do(async ({ devices, database }) => {
      if (!(await devices.isRevoked(proof))) return false;
      await this.lock();
      await deleteDB(database);
      return true;
    });

  // ---- trust

  readonly account: Keeper['account'] = () => this.#do(({ marks }) => marks.view());
  readonly setRecoveryKeyConfirmed: Keeper['setRecoveryKeyConfirmed'] = (confirmed) => this.#do(({ marks }) => marks.confirm(confirmed));
  readonly rereadAccount: Keeper['rereadAccount'] = (events) => this.#do(({ pins }) => pins.reread(events));
  readonly queuePins: Keeper['queuePins'] = () => this.#do(({ pins }) => pins.queue());
  readonly behind: Keeper['behind'] = () => this.#do(({ context }) => Promise.resolve(context.people.behind()));
  readonly checkBounds: Keeper['checkBounds'] = () => this.#do(({ pins }) => pins.check());
  readonly safetyNumber: Keeper['safetyNumber'] = (member) => this.#do(({ marks }) => marks.safety(member));
  readonly setVerified: Keeper['setVerified'] = (member, verified) => this.#do(({ marks }) => marks.set(member, verified));
  readonly compareSafety: Keeper['compareSafety'] = (member, qr) => this.#do(({ marks }) => marks.compare(member, qr));
  readonly alarmOf: Keeper['alarmOf'] = (space) => this.#do(({ alarms }) => alarms.of(space));
  readonly checkListed: Keeper['checkListed'] = (present) => this.#do(({ alarms }) => alarms.checkListed(present));
  readonly level: Keeper['level'] = (space, seq, hash) => this.#do(({ alarms }) => alarms.level(space, seq, hash));
  readonly commonPoint: Keeper['commonPoint'] = (space, events) => this.#do(({ alarms }) => alarms.commonPoint(space, events));
  readonly acceptState: Keeper['acceptState'] = (space, common, snapshot, identities) =>
    this.#do(({ alarms }) => alarms.accept(space, common, snapshot, identities));
  readonly restartAccount: Keeper['restartAccount'] = () => this.#do(({ alarms }) => alarms.restartAccount());

  // ---- invites

  readonly makeInvite: Keeper['makeInvite'] = () => this.#do(({ invites }) => invites.make());
  readonly verifyInvites: Keeper['verifyInvites'] = (used) => this.#do(({ invites }) => invites.verify(used));

  /** For a device without keys, or that waits to be let in. */
  #arrive<T>(task: (arrivals: Arrivals) => Promise<T>): Promise<T> {
    return plain(() => this.#lock.run(() => task(this.#arrivals)));
  }

  /** One task at a time: what is in memory and what is stored change together. Throws LOCKED. */
  #do<T>(task: (inside: Inside) => Promise<T>): Promise<T> {
    return plain(() =>
      this.#lock.run(() => {
        if (!this.#inside) throw new CircleFailure('LOCKED', 'Please unlock Circle first.');
        return task(this.#inside);
      }),
    );
  }
}

/** What has expired is deleted before anything is shown. */
async function load({ context, rooms, sending, reading }: Inside): Promise<Loaded> {
  const me = context.keyring.member;
  await reading.expire();
  const queued = await sending.queued();
  const spaces: Loaded['spaces'] = [];
  const records = (await rooms.records()).sort((one, other) => other.lastActivity - one.lastActivity);
  for (const [index, record] of records.entries()) {
    const waiting = queued.filter(({ space }) => space === record.space).flatMap((one) => queuedItem(one, me, record.lifetime));
    spaces.push({ view: rooms.view(record), items: [...(await reading.items(record.space, null, index < NEWEST ? FIRST_ITEMS : FEW_ITEMS)), ...waiting] });
  }
  const people = context.people.names();
  return { me: people.find(({ id }) => id === me) ?? null, people, spaces };
}

async function plain<T>(task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    throw fromProtocol(error);
  }
}
