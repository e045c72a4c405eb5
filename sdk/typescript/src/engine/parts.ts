/** The client's parts, wired together. */
import { openKeeper, type Keeper } from '../crypto';
import { Accounts, type LeftOut } from '../store/accounts';
import type { Board } from '../state/board';
import type { Http } from '../transport/http';
import { Socket } from '../transport/socket';
import { Account } from './account';
import { AccountSpace } from './accountSpace';
import { Alarms } from './alarms';
import { Api } from './api';
import { BrowserSessions, type TabStorage } from './browserSession';
import { Conversations } from './conversations';
import { DeviceApi } from './deviceApi';
import { Devices } from './devices';
import { Enrolment } from './enrolment';
import { Epochs } from './epochs';
import { Held } from './held';
import { Idle } from './idle';
import { Invites } from './invites';
import { Keys } from './keys';
import { Learner } from './learner';
import { Lifetimes } from './lifetimes';
import { Live } from './live';
import { Locking } from './locking';
import { Markers } from './markers';
import { Mending } from './mending';
import { Opening } from './opening';
import { Outbox } from './outbox';
import { BrowserPasskeys, type Passkeys } from './passkeys';
import { Policy } from './policy';
import { Presence } from './presence';
import { Privacy } from './privacy';
import { ReadingApi } from './readingApi';
import { Recovery } from './recovery';
import { Removal } from './removal';
import { Rotation } from './rotation';
import { Session } from './session';
import { Sessions } from './sessions';
import { SigningIn, type Outcome } from './signingIn';
import { SignUp } from './signUp';
import { Succession } from './succession';
import { Sync } from './sync';
import { Trust } from './trust';
import { Typing } from './typing';

export interface ClientOptions {
  /** Where Circle is served, such as https://circle.example. */
  origin: string;
  /** A cookie in browsers, a bearer token elsewhere. */
  session?: 'COOKIE' | 'BEARER';
  /** Of the databases in IndexedDB; another name is another browser, as it were. */
  databaseName?: string;
  fetch?: typeof fetch;
  webSocketImpl?: unknown;
  tabStorage?: TabStorage | null;
  /** WebAuthn, where there is a page; null: none. */
  passkeys?: Passkeys | null;
  /** Where the person's doings are heard, for the idle lock: the page; null: nobody is there to be heard. */
  signs?: EventTarget | null;
}

export interface Parts {
  keeper: Keeper;
  account: Account;
  signingIn: SigningIn;
  removal: Removal;
  api: Api;
  sync: Sync;
  outbox: Outbox;
  invites: Invites;
  conversations: Conversations;
  mending: Mending;
  lifetimes: Lifetimes;
  sessions: Sessions;
  signUp: SignUp;
  keys: Keys;
  rotation: Rotation;
  enrolment: Enrolment;
  devices: Devices;
  recovery: Recovery;
  trust: Trust;
  accountSpace: AccountSpace;
  policy: Policy;
  locking: Locking;
  markers: Markers;
  typing: Typing;
  presence: Presence;
  privacy: Privacy;
}

/** What the parts ask of the client that holds them. */
export interface Outside {
  http: Http;
  board: Board;
  token: () => string | null;
  setToken: (token: string | null) => void;
  /** The session ended: the keys are let go of. */
  onSignedOut: () => void;
  /** The keys of this device open nothing any more. */
  onLeftOut: (why: LeftOut) => Promise<void>;
  /** The keys of a new device are there. */
  open: () => Promise<void>;
  /** Goes on after an unlock. */
  proceed: (outcome: Outcome) => Promise<void>;
  /** Nobody has used this browser for as long as the person said. */
  onIdle: () => void;
  /** Makes this tab the one that acts for the member. */
  take: (member: string) => Promise<void>;
}

export async function buildParts(options: ClientOptions, { http, board, token, setToken, onSignedOut, onLeftOut, open, proceed, onIdle, take }: Outside): Promise<Parts> {
  const { origin, databaseName = 'circle', webSocketImpl } = options;
  const keeper = await openKeeper();
  const accounts = new Accounts(databaseName);
  const tab = options.tabStorage === undefined ? (typeof sessionStorage === 'undefined' ? null : sessionStorage) : options.tabStorage;
  const session = new Session(http, options.session ?? (typeof document === 'undefined' ? 'BEARER' : 'COOKIE'), setToken);
  const held = new Held();
  const browser = new BrowserSessions(accounts, tab);
  const opening = new Opening({ keeper, browser });
  const account = new Account({ session, keeper, accounts, browser, opening, held, board });
  const removal = new Removal({ session, keeper, accounts, browser, held, board });
  const signingIn = new SigningIn({ session, keeper, accounts, account, opening, removal, held, board });
  const succession = new Succession({ session, keeper, accounts, account, browser, opening, held, board });
  const signUp = new SignUp({ session, keeper, accounts, account, databasePrefix: databaseName });
  const api = new Api(http);
  const readingApi = new ReadingApi(http);
  const deviceApi = new DeviceApi(http);
  const keys = new Keys({ api, devices: deviceApi, keeper, board, onLeftOut });
  const rotation = new Rotation({ api, devices: deviceApi, keeper, keys });
  const enrolment = new Enrolment({ session, api, devices: deviceApi, keeper, account, signingIn, succession, board, databasePrefix: databaseName, open, take });
  const learner = new Learner({ api, keeper, keys, board });
  const socket = new Socket({ url: socketUrl(origin), token, webSocketImpl });
  const sync = new Sync({
    api, reading: readingApi, socket, keeper, learner, board,
    events: {
      beforeStream: () => signingIn.ensureSession(),
      onSignedOut,
      onLost: () => {
        live.lost();
        typing.lost();
        presence.lost();
      },
      onLevel: () => {
        live.connected();
        typing.connected();
        presence.connected();
        markers.look();
        void privacy.refresh().catch(() => undefined);
        void accountSpace.tend().catch(() => undefined).then(() => outbox.flush()).catch(() => undefined);
        rotation.onLevel();
        void recovery.readmit().catch(() => undefined);
        void devices.replaceLost().catch(() => undefined);
      },
      onAccount: () => { void accountSpace.refresh().catch(() => undefined); },
    },
  });
  const live = new Live(socket);
  const signs = options.signs === undefined ? (typeof document === 'undefined' ? null : document) : options.signs;
  const typing = new Typing({ api: readingApi, live, board });
  const presence = new Presence({ api: readingApi, live, board, signs });
  const epochs = new Epochs({ api, keeper, learner, sync, board });
  const outbox: Outbox = new Outbox({ api, keeper, epochs, learner, sync, board });
  const accountSpace: AccountSpace = new AccountSpace({ keeper, learner, outbox, sync, account, board });
  const privacy: Privacy = new Privacy({ api: readingApi, board, onChange: () => {
    presence.say();
    markers.look();
  } });
  const markers: Markers = new Markers({ api: readingApi, keeper, epochs, learner, sync, privacy, board });
  const invites = new Invites({ api, keeper, learner, board, origin });
  const idle = new Idle(signs, { onIdle, onUse: () => { void account.touch().catch(() => undefined); } });
  const passkeys = options.passkeys === undefined ? (typeof document === 'undefined' ? null : new BrowserPasskeys()) : options.passkeys;
  const locking = new Locking({ keeper, account, signingIn, passkeys, idle, proceed });
  const mending = new Mending({ learner, keeper, epochs, sync, board });
  const lifetimes = new Lifetimes({ keeper, board, outbox });
  const conversations: Conversations = new Conversations({ api, keeper, learner, sync, epochs, outbox, invites, mending, board });
  const devices = new Devices({ api: deviceApi, keeper, keys, rotation, enrolment, account, succession, board });
  const recovery = new Recovery({ api, devices: deviceApi, keeper, account, rotation, enrolment, board });
  return {
    keeper, account, signingIn, removal, api, sync, outbox, invites, conversations, mending, lifetimes, signUp, keys, rotation, enrolment, devices, recovery,
    sessions: new Sessions(http),
    trust: new Trust({ keeper, learner, accountSpace, conversations, board, alarms: new Alarms({ api, keeper, learner, sync, board }) }), accountSpace, policy: new Policy({ conversations, board }), locking,
    markers, typing, presence, privacy,
  };
}

function socketUrl(origin: string): string {
  const url = new URL('/graphql', origin);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}
