/** Keeps this device level with the server: backlog, live events, gaps, and starting afresh. */
import type { Keeper } from '../crypto';
import type { LogEvent, MarkerBytes } from '../crypto';
import { asFailure, codeOf } from '../errors';
import { EventsDocument, type EventsSubscription } from '../gql/generated';
import type { Board } from '../state/board';
import { backoff, pause } from '../transport/backoff';
import type { Socket } from '../transport/socket';
import type { Api } from './api';
import { toLogEvent, toMarker } from './convert';
import type { Learner } from './learner';
import type { ReadingApi } from './readingApi';
import { Mutex } from '../mutex';
import { inParallel } from '../parallel';

/** Conversations that are loaded side by side at a first start. */
const AT_ONCE = 4;

/** What ends this device's following, until somebody unlocks it anew. */
const ENDED = new Set(['UNAUTHENTICATED', 'DEVICE_REVOKED', 'REVOCATION_UNPROVEN', 'KEYS_OUTDATED', 'KEYS_WITHHELD']);

type StreamItem = EventsSubscription['events'];
type SpaceHead = Awaited<ReturnType<Api['heads']>>[number];

export interface SyncEvents {
  /** Before each connection: sees that the session is there. Throws UNAUTHENTICATED when it is not. */
  beforeStream: () => Promise<void>;
  /** The server no longer takes this session. */
  onSignedOut: () => void;
  /** The account's log, or a member's chain, has gone on. */
  onAccount: () => void;
  /** The stream has ended, for whatever reason. */
  onLost: () => void;
  /** Level with the server: a good moment to send what waits. */
  onLevel: () => void;
}

export class Sync {
  readonly #api: Api;
  readonly #reading: Pick<ReadingApi, 'markers'>;
  readonly #socket: Socket;
  readonly #keeper: Keeper;
  readonly #learner: Learner;
  readonly #board: Board;
  readonly #events: SyncEvents;
  readonly #applying = new Mutex();
  #stop: AbortController | null = null;
  #wake: AbortController | null = null;

  constructor(parts: { api: Api; reading: Pick<ReadingApi, 'markers'>; socket: Socket; keeper: Keeper; learner: Learner; board: Board; events: SyncEvents }) {
    this.#api = parts.api;
    this.#reading = parts.reading;
    this.#socket = parts.socket;
    this.#keeper = parts.keeper;
    this.#learner = parts.learner;
    this.#board = parts.board;
    this.#events = parts.events;
  }

  start(): void {
    this.stop();
    const stop = new AbortController();
    this.#stop = stop;
    void this.#follow(stop.signal);
  }

  stop(): void {
    this.#stop?.abort();
    this.#stop = null;
    this.#socket.close();
  }

  /** Tries again at once, as when the network comes back. */
  wake(): void {
    this.#wake?.abort();
  }

  /** Brings one conversation level by asking, without waiting for the stream. */
  async catchUp(node: string): Promise<void> {
    await this.#applying.run(async () => {
      const view = this.#board.view(node);
      if (!view || view.role === null) return this.#openSpace(node);
      try {
        await this.#fill(node, view.head, view.isAccount);
      } catch (error) {
        if (codeOf(error) !== 'NOT_FOUND') throw error;
        this.#board.apply([await this.#keeper.closeSpace(view.space)]);
      }
    });
  }

  /** Loads a conversation as it is now and reads its lines again, as when keys came later than messages. */
  async reload(node: string): Promise<void> {
    await this.#applying.run(async () => {
      const view = this.#board.view(node);
      if (!view || view.role === null) return;
      const { snapshot, before } = await this.#learner.snapshot(node);
      this.#board.apply([await this.#keeper.openSpace(snapshot, before !== null, true)]);
    });
  }

  /** Nothing is applied meanwhile: for what a person decides about an alarm. */
  decide<T>(task: () => Promise<T>): Promise<T> {
    return this.#applying.run(task);
  }

  async #follow(stop: AbortSignal): Promise<void> {
    const isStopped = () => stop.aborted;
    for (let attempt = 0; !isStopped(); attempt += 1) {
      // One lost connection is nobody's business; only when the next try fails too is it said.
      if (attempt < 2) this.#board.setConnection('connecting');
      try {
        await this.#events.beforeStream();
        await this.#stream(stop, () => {
          attempt = 0;
          this.#board.setConnection('online');
        }).catch((error: unknown) => {
          // A socket says no more than that the session is over; why, is told by what is asked next.
          if (codeOf(error) !== 'UNAUTHENTICATED') throw error;
        }).finally(() => { this.#events.onLost(); });
      } catch (error) {
        if (isStopped()) return;
        if (ENDED.has(codeOf(error))) {
          this.#board.setConnection('offline');
          this.#events.onSignedOut();
          return;
        }
      }
      if (isStopped()) return;
      if (attempt > 0) this.#board.setConnection('offline');
      this.#wake = new AbortController();
      await pause(backoff(attempt), AbortSignal.any([stop, this.#wake.signal]));
    }
  }

  /** One connection's life. Items are applied in order while more arrive; a failure ends the connection. */
  async #stream(stop: AbortSignal, onItem: () => void): Promise<void> {
    const after = await this.#keeper.cursor();
    const inbox: StreamItem[] = [];
    let failure: unknown = null;
    let pumping: Promise<void> | null = null;
    const pump = async () => {
      while (inbox.length > 0 && !stop.aborted) await this.#take(inbox.splice(0));
    };
    for await (const { events: item } of this.#socket.items(EventsDocument, { after })) {
      if (stop.aborted) break;
      onItem();
      inbox.push(item);
      pumping ??= pump()
        .catch((error: unknown) => {
          failure = error;
          this.#socket.close();
        })
        .finally(() => {
          pumping = null;
        });
      if (item.__typename === 'ResyncRequired') break;
    }
    await pumping;
    if (failure !== null) throw asFailure(failure);
  }

  /** Entries and markers are applied in their order, as many of a kind together as follow one another. */
  async #take(items: StreamItem[]): Promise<void> {
    let run: Run = { events: [], markers: [], cursor: null };
    const flush = async (cursor: string | null = run.cursor) => {
      const done = { ...run, cursor };
      run = { events: [], markers: [], cursor: null };
      if (done.cursor !== null) await this.#applying.run(() => this.#applyRun(done));
    };
    for (const item of items) {
      switch (item.__typename) {
        case 'EventDelivery':
          if (run.markers.length > 0) await flush();
          run.events.push(toLogEvent(item.event));
          run.cursor = item.cursor;
          break;
        case 'MarkerDelivery':
          if (run.events.length > 0) await flush();
          run.markers.push(toMarker(item.marker));
          run.cursor = item.cursor;
          break;
        case 'CaughtUp':
          await flush(item.cursor);
          this.#board.setSyncing(false);
          this.#events.onLevel();
          break;
        case 'ResyncRequired':
          await this.#keeper.keepCursor(null);
          return;
      }
    }
    await flush();
  }

  async #applyRun({ events, markers, cursor }: Run): Promise<void> {
    if ((await this.#keeper.cursor()) === null) {
      this.#board.setSyncing(true);
      await this.#bootstrap();
    }
    if (markers.length > 0) {
      await this.#applyMarkers(markers, cursor);
      return;
    }
    for (const group of grouped(events)) await this.#closeGap(group);
    await this.#apply(events, cursor);
  }

  // ---- markers

  /** What was asked for: of a conflict, or all of them. */
  async takeMarkers(markers: MarkerBytes[]): Promise<void> {
    await this.#applying.run(() => this.#applyMarkers(markers, null, true));
  }

  /** All markers as the server has them now: after a fresh start, or when keys came later than what they open. */
  async refreshMarkers(): Promise<void> {
    await this.takeMarkers(await this.#reading.markers());
  }

  async #applyMarkers(markers: MarkerBytes[], cursor: string | null, isAfresh = false): Promise<void> {
    await this.#learner.prepareMarkers(markers);
    this.#board.apply(await this.#keeper.applyMarkers(markers, cursor, isAfresh));
  }

  /** Makes the events' space known up to where they begin. */
  async #closeGap(events: LogEvent[]): Promise<void> {
    const [first] = events;
    if (!first) return;
    const { space, node, isAccount } = first;
    const view = this.#board.viewOf(space);
    // One who was away does not see what passed meanwhile: the conversation is loaded as it is now.
    if (!isAccount && (!view || view.role === null)) return this.#openSpace(node);
    const head = view?.head ?? (await this.#keeper.accountHead());
    if (first.seq > head + 1) await this.#fill(node, head, isAccount);
    else if (firstRun(events).length < events.length) await this.#applyRuns(node, events);
  }

  async #level({ node, space, head, headHash, isAccount }: SpaceHead): Promise<void> {
    const known = this.#board.viewOf(space)?.head ?? (isAccount ? await this.#keeper.accountHead() : -1);
    if (head > known) await this.#fill(node, known, isAccount);
    else if (known > 0) {
      const change = await this.#keeper.checkHead(space, head, headHash);
      if (change) this.#board.apply([change]);
    }
  }

  /** Everything the viewer may see, afresh: new conversations, missed events, conversations that are gone. */
  async #bootstrap(): Promise<void> {
    const heads = await this.#api.heads();
    const fresh = heads.filter(({ space, isAccount }) => !isAccount && (this.#board.viewOf(space)?.role ?? null) === null);
    // What other devices have seen comes first, for everything after it is compared with that.
    for (const one of heads.filter(({ isAccount }) => isAccount)) await this.#level(one);
    await inParallel(fresh, AT_ONCE, ({ node }) => this.#openSpace(node));
    for (const one of heads.filter((known) => !known.isAccount && !fresh.includes(known))) await this.#level(one);
    await this.#applyMarkers(await this.#reading.markers(), null, true);
    this.#board.apply(await this.#keeper.checkListed(heads.map(({ space }) => space)));
  }

  async #openSpace(node: string): Promise<void> {
    try {
      const { snapshot, before } = await this.#learner.snapshot(node);
      this.#board.apply([await this.#keeper.openSpace(snapshot, before !== null)]);
    } catch (error) {
      // Removed again before it could be loaded: there is nothing to show.
      if (codeOf(error) !== 'NOT_FOUND') throw error;
    }
  }

  async #fill(node: string, after: number, isAccount: boolean): Promise<void> {
    await this.#applyRuns(node, await this.#learner.eventsAfter(node, after, isAccount));
  }

  /** A hole lies between an own removal and the next own add: what led to the removal is read, then what is there now. */
  async #applyRuns(node: string, events: LogEvent[]): Promise<void> {
    const run = firstRun(events);
    await this.#apply(run, null);
    if (run.length < events.length) await this.#openSpace(node);
  }

  async #apply(events: LogEvent[], cursor: string | null): Promise<void> {
    await this.#learner.prepare(events);
    this.#board.apply(await this.#keeper.apply(events, cursor));
    // Marks and identities may have changed.
    if (events.some(({ isAccount, body }) => isAccount || body.kind === 'member')) this.#events.onAccount();
  }
}

/** What the stream brought of one kind, and where it leaves off. */
interface Run {
  events: LogEvent[];
  markers: MarkerBytes[];
  cursor: string | null;
}

/** Those that follow one another from the first on. */
function firstRun(events: LogEvent[]): LogEvent[] {
  const hole = events.findIndex(({ seq }, index) => index > 0 && seq !== (events[index - 1]?.seq ?? 0) + 1);
  return hole === -1 ? events : events.slice(0, hole);
}

function grouped(events: LogEvent[]): LogEvent[][] {
  const groups = new Map<string, LogEvent[]>();
  for (const event of events) {
    const group = groups.get(event.space);
    if (group) group.push(event);
    else groups.set(event.space, [event]);
  }
  return [...groups.values()];
}
