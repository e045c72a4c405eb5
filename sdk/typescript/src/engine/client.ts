/** The client as the web interface sees it: wires the parts together and guards who may do what when. */
import type { StoreApi } from 'zustand/vanilla';
import { asFailure, codeOf, RevocationUnproven, type CircleFailure, type DeviceRevoked } from '../errors';
import * as gql from '../gql/generated';
import { Board } from '../state/board';
import { createCircleStore } from '../state/store';
import type { LeftOut } from '../store/accounts';
import { Http } from '../transport/http';
import type {
  CircleClient, CircleState, DeviceActions, InviteInfo, InvitePreview, KnownAccount, LifetimeClass, LockActions, PendingSignUp, Person, PolicyActions, PrivacySettings, RecoveryActions, SessionInfo,
  SpaceRole, TrustActions,
} from '../types';
import type { CreateInput } from './conversations';
import { buildParts, type ClientOptions, type Parts } from './parts';
import type { Outcome, SigningIn } from './signingIn';
import { createTabs, type Tabs } from './tabs';

export class Client implements CircleClient {
  readonly store: StoreApi<CircleState>;
  readonly devices: DeviceActions = this.#actions((parts) => parts.devices);
  readonly recovery: RecoveryActions = this.#actions((parts) => parts.recovery);
  readonly trust: TrustActions = this.#actions((parts) => parts.trust);
  readonly policy: PolicyActions = this.#actions((parts) => parts.policy);
  readonly locking: LockActions = this.#actions((parts) => parts.locking);
  readonly #options: ClientOptions;
  readonly #board: Board;
  readonly #http: Http;
  readonly #tabs: Tabs = createTabs();
  #token: string | null = null;
  #standsBy = false;
  #parts: Promise<Parts> | null = null;
  readonly #listeners = new AbortController();

  constructor(options: ClientOptions) {
    this.#options = options;
    this.store = createCircleStore();
    this.#board = new Board(this.store);
    this.#http = new Http({
      endpoint: new URL('/graphql', options.origin).href,
      fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
      token: () => this.#token,
      onRevoked: (error) => this.#revoked(error),
    });
  }

  // ---- life

  async start(): Promise<void> {
    await this.#guard(async () => {
      const { signingIn } = await this.#all();
      this.#listen();
      await this.#proceed(await signingIn.resume());
    });
  }

  /** Back on the network: try at once. Back in a tab that had stood by for another: take over again. */
  #listen(): void {
    if (typeof document === 'undefined') return;
    const { signal } = this.#listeners;
    addEventListener('online', () => { void this.#all().then(({ sync }) => { sync.wake(); }); }, { signal });
    document.addEventListener('visibilitychange', () => { if (document.visibilityState === 'visible') void this.#comeBack().catch(() => undefined); }, { signal });
  }

  async #comeBack(): Promise<void> {
    const { signingIn, sync, lifetimes } = await this.#all();
    sync.wake();
    lifetimes.wake();
    await this.#comeFirst(signingIn);
  }

  takeOver(): Promise<void> {
    return this.#with(({ signingIn }) => this.#comeFirst(signingIn));
  }

  /** Acts for this browser again, in the place of the tab that had taken over. */
  async #comeFirst(signingIn: SigningIn): Promise<void> {
    if (!this.#standsBy || this.store.getState().phase !== 'standing-by') return;
    this.#standsBy = false;
    try {
      await this.#proceed(await signingIn.resume());
    } catch (error) {
      // Still showing the page that offers it: it can be tried again.
      this.#standsBy = this.store.getState().phase === 'standing-by';
      throw error;
    }
  }

  stop(): void {
    this.#listeners.abort();
    void this.#parts?.then((parts) => {
      this.#close(parts);
      return parts.keeper.lock();
    });
  }

  dismissNotice(): void {
    this.store.setState({ notice: null });
  }

  async serverInfo(): Promise<{ name: string; version: string; hasOwner: boolean }> {
    const { server } = await this.#guard(() => this.#http.ask(gql.ServerInfoDocument, {}));
    return { name: server.name, version: server.version, hasOwner: server.hasOwner };
  }

  // ---- account

  previewInvite(fragment: string): Promise<InvitePreview> {
    return this.#with(({ signUp }) => signUp.preview(fragment));
  }

  prepareSignUp(input: { fragment: string; handle: string; displayName: string; password: string; deviceName: string }): Promise<PendingSignUp> {
    return this.#with(({ signUp }) => signUp.prepare(input));
  }

  completeSignUp(pending: PendingSignUp): Promise<void> {
    return this.#with(async ({ signUp }) => {
      await signUp.complete(pending);
      await this.#open();
    });
  }

  signIn(input: { handle: string; password: string }): Promise<void> {
    return this.#with(async ({ signingIn }) => this.#proceed(await signingIn.signIn(input.handle, input.password)));
  }

  unlock(password: string): Promise<void> {
    return this.#with(async ({ signingIn }) => this.#proceed(await signingIn.unlock(password)));
  }

  lock(): Promise<void> {
    return this.#with(async (parts) => {
      this.#close(parts);
      await parts.account.lock();
    });
  }

  signOut(): Promise<void> {
    return this.#with(async (parts) => {
      await parts.account.signOut();
      this.#close(parts);
    });
  }

  knownAccount(): Promise<KnownAccount | null> {
    return this.#with(({ account }) => account.known());
  }

  // ---- people and conversations

  searchPeople(text: string): Promise<Person[]> {
    return this.#with(async ({ api }) => {
      const found = await api.searchPeople(text.trim());
      this.#board.meet(found);
      return found.filter(({ id }) => id !== this.#board.me?.id).map(({ id }) => this.#board.person(id));
    });
  }

  createConversation(input: CreateInput): Promise<string> {
    return this.#with(({ conversations }) => conversations.create(input));
  }

  openConversation(id: string): Promise<void> {
    return this.#with(({ conversations }) => conversations.open(id));
  }

  markRead(id: string): Promise<void> {
    return this.#with(({ conversations }) => conversations.markRead(id));
  }

  closeConversation(): void {
    void this.#parts?.then(({ conversations }) => { conversations.close(); });
  }

  setTyping(id: string, typing: boolean): void {
    void this.#parts?.then((parts) => { parts.typing.set(id, typing); });
  }

  setPrivacy(change: Partial<PrivacySettings>): Promise<void> {
    return this.#with(({ privacy }) => privacy.set(change));
  }

  loadOlder(id: string): Promise<void> {
    return this.#with(({ conversations }) => conversations.loadOlder(id));
  }

  send(id: string, text: string, options: { lifetime?: LifetimeClass } = {}): Promise<void> {
    return this.#with(async ({ conversations, typing }) => {
      await conversations.send(id, text, options.lifetime);
      typing.sent(id);
    });
  }

  retry(id: string, key: string): Promise<void> {
    return this.#with(({ conversations }) => conversations.retry(id, key));
  }

  discard(_id: string, key: string): Promise<void> {
    return this.#with(({ conversations }) => conversations.discard(key));
  }

  setTitle(id: string, title: string, picture?: Blob | null): Promise<void> {
    return this.#with(({ conversations }) => conversations.setTitle(id, title, picture));
  }

  addPeople(id: string, people: string[], role?: SpaceRole): Promise<void> {
    return this.#with(({ conversations }) => conversations.add(id, people, role));
  }

  removePerson(id: string, person: string): Promise<void> {
    return this.#with(({ conversations }) => conversations.remove(id, person));
  }

  changeRole(id: string, person: string, role: SpaceRole): Promise<void> {
    return this.#with(({ conversations }) => conversations.changeRole(id, person, role));
  }

  leave(id: string): Promise<void> {
    return this.#with(({ conversations }) => conversations.leave(id));
  }

  // ---- invites and sessions

  createInvite(hours: number): Promise<{ url: string; expiresAt: number }> {
    return this.#with(({ invites }) => invites.create(hours));
  }

  listInvites(): Promise<InviteInfo[]> {
    return this.#with(({ invites }) => invites.list());
  }

  revokeInvite(id: string): Promise<void> {
    return this.#with(({ invites }) => invites.revoke(id));
  }

  listSessions(): Promise<SessionInfo[]> {
    return this.#with(({ sessions }) => sessions.list());
  }

  revokeSession(id: string): Promise<void> {
    return this.#with(({ sessions }) => sessions.revoke(id));
  }

  // ---- inside

  async #proceed(outcome: Outcome): Promise<void> {
    if (outcome === 'open') return this.#open();
    if (outcome === 'closed') return;
    const { signingIn, enrolment } = await this.#all();
    try {
      // What came to nothing leaves this browser as it was before.
      if (!(await enrolment.resume())) await this.#proceed(await signingIn.resume());
    } catch (error) {
      if (this.#board.phase !== 'ready') await this.#standBy();
      throw error;
    }
  }

  /** Shows what is kept, then gets level with the server. */
  async #open(): Promise<void> {
    const { keeper, account, accountSpace, sync, outbox, conversations, lifetimes, mending, locking, rotation, markers, presence } = await this.#all();
    const { me, people, spaces } = await keeper.load();
    this.#board.meet(people);
    this.#board.setMe(me);
    this.#board.apply(spaces.map(({ view, items }) => ({ view, items, gone: [] })));
    this.#board.setSyncing(true);
    this.#board.setPhase('ready');
    this.#board.setKeyConfirmed(account.current?.isKeyConfirmed ?? true);
    await this.#take(account.current?.member ?? '');
    outbox.start();
    conversations.start();
    lifetimes.start();
    mending.start();
    await locking.start();
    rotation.start();
    markers.start();
    presence.start();
    accountSpace.start();
    sync.start();
  }

  /** Two tabs of one browser are one device: the newest acts for it, the others stand by. */
  async #take(member: string): Promise<void> {
    await this.#tabs.take(`circle-${member}`, () => { void this.#standBy(true); });
  }

  /** Another tab runs this account now, or the session ended: this one lets go of the keys. */
  async #standBy(isTakenOver = false): Promise<void> {
    this.#standsBy = isTakenOver;
    const parts = await this.#all();
    this.#close(parts);
    await parts.keeper.lock();
    this.#board.clear(isTakenOver ? 'standing-by' : parts.account.restPhase);
  }

  /** Not given the newest key: what is kept stays until a new device takes its place. */
  async #leftOut(why: LeftOut): Promise<void> {
    const parts = await this.#all();
    const { current } = parts.account;
    const { me } = this.#board;
    if (!current) return;
    this.#close(parts);
    await parts.account.retire(current, why);
    this.#board.clear('no-keys');
    this.#board.setMe(me);
  }

  /** The server says that this device was removed; only a proof of it deletes anything. */
  async #revoked(error: DeviceRevoked): Promise<CircleFailure> {
    const parts = await this.#all();
    const heard = await parts.removal.hear(error);
    if (heard === 'proven') this.#close(parts);
    return heard === 'unproven' ? new RevocationUnproven() : error;
  }

  #close({ sync, outbox, conversations, lifetimes, mending, locking, rotation, enrolment, accountSpace, markers, typing, presence }: Parts): void {
    markers.stop();
    typing.stop();
    presence.stop();
    lifetimes.stop();
    mending.stop();
    locking.stop();
    accountSpace.stop();
    enrolment.stop();
    rotation.stop();
    sync.stop();
    outbox.stop();
    conversations.stop();
    this.#tabs.release();
  }

  #all(): Promise<Parts> {
    this.#parts ??= buildParts(this.#options, {
      http: this.#http,
      board: this.#board,
      token: () => this.#token,
      setToken: (token) => { this.#token = token; },
      onSignedOut: () => { void this.#standBy(); },
      onLeftOut: (why) => this.#leftOut(why),
      open: () => this.#open(),
      proceed: (outcome) => this.#proceed(outcome),
      onIdle: () => { void this.lock().catch(() => undefined); },
      take: (member) => this.#take(member),
    });
    return this.#parts;
  }

  #with<T>(task: (parts: Parts) => Promise<T>): Promise<T> {
    return this.#guard(async () => task(await this.#all()));
  }

  /** One part's methods, each guarded like the client's own. */
  #actions<T extends object>(pick: (parts: Parts) => T): T {
    return new Proxy({} as T, {
      get: (_target, name) => (...given: unknown[]) =>
        this.#with(async (parts) => (pick(parts) as Record<PropertyKey, (...given: unknown[]) => Promise<unknown>>)[name]?.(...given)),
    });
  }

  /** Every failure leaves as a CircleError; a session that ended leads back to the password. */
  async #guard<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (error) {
      if (codeOf(error) === 'UNAUTHENTICATED' && this.store.getState().phase === 'ready') void this.#standBy();
      throw asFailure(error);
    }
  }
}
