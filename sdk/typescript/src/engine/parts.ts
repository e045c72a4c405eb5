/** The client's parts, wired together. */
import { openKeeper, type Keeper } from '../crypto';
import { Accounts } from '../store/accounts';
import type { Board } from '../state/board';
import type { Http } from '../transport/http';
import { Socket } from '../transport/socket';
import { Account } from './account';
import { Api } from './api';
import { BrowserSessions, type TabStorage } from './browserSession';
import { Conversations } from './conversations';
import { Devices } from './devices';
import { Epochs } from './epochs';
import { Invites } from './invites';
import { Learner } from './learner';
import { Locking } from './locking';
import { Outbox } from './outbox';
import { Policy } from './policy';
import { Recovery } from './recovery';
import { Sessions } from './sessions';
import { Sync } from './sync';
import { Trust } from './trust';

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
}

export interface Parts {
  keeper: Keeper;
  account: Account;
  api: Api;
  sync: Sync;
  outbox: Outbox;
  invites: Invites;
  conversations: Conversations;
  sessions: Sessions;
  devices: Devices;
  recovery: Recovery;
  trust: Trust;
  policy: Policy;
  locking: Locking;
}

/** What the parts ask of the client that holds them. */
export interface Outside {
  http: Http;
  board: Board;
  token: () => string | null;
  setToken: (token: string | null) => void;
  /** The session ended: the keys are let go of. */
  onSignedOut: () => void;
}

export async function buildParts(options: ClientOptions, { http, board, token, setToken, onSignedOut }: Outside): Promise<Parts> {
  const { origin, databaseName = 'circle', webSocketImpl } = options;
  const keeper = await openKeeper();
  const accounts = new Accounts(databaseName);
  const tab = options.tabStorage === undefined ? (typeof sessionStorage === 'undefined' ? null : sessionStorage) : options.tabStorage;
  const account = new Account({
    http,
    keeper,
    accounts,
    browser: new BrowserSessions(accounts, tab),
    board,
    kind: options.session ?? (typeof document === 'undefined' ? 'BEARER' : 'COOKIE'),
    databasePrefix: databaseName,
    setToken,
  });
  const api = new Api(http);
  const learner = new Learner(api, keeper, board);
  const socket = new Socket({ url: socketUrl(origin), token, webSocketImpl });
  const sync = new Sync({
    api, socket, keeper, learner, board,
    events: {
      beforeStream: () => account.ensureSession(),
      onSignedOut,
      onLevel: () => { void outbox.flush(); },
      onOpened: (node) => { void conversations.await(node).catch(() => undefined); },
    },
  });
  const epochs = new Epochs({ api, keeper, learner, sync, board });
  const outbox: Outbox = new Outbox({ api, keeper, epochs, sync, board });
  const invites = new Invites({ api, keeper, learner, origin });
  const conversations: Conversations = new Conversations({ api, keeper, learner, sync, epochs, outbox, invites, board });
  return {
    keeper, account, api, sync, outbox, invites, conversations,
    sessions: new Sessions(http),
    devices: new Devices(), recovery: new Recovery(), trust: new Trust(), policy: new Policy({ conversations, board }), locking: new Locking(),
  };
}

function socketUrl(origin: string): string {
  const url = new URL('/graphql', origin);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}
