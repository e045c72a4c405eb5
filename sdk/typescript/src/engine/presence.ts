/** Presence: tells what this device is doing, and follows the people who are shown. */
import type { PresenceSubscription } from '../gql/generated';
import { PresenceDocument } from '../gql/generated';
import type { Board } from '../state/board';
import type { PresenceInfo, PresenceState } from '../types';
import { Activity } from './activity';
import type { Live } from './live';
import type { ReadingApi } from './readingApi';

/** That one subscription may ask for. */
const MOST_PEOPLE = 200;
/** Who is shown changes in bursts: followed anew when it has settled, in milliseconds. */
const SETTLES = 500;
/** What was shown of others holds for so long without a connection, in milliseconds, as the server holds it. */
const HOLDS = 30_000;

export class Presence {
  readonly #api: Pick<ReadingApi, 'setPresence'>;
  readonly #live: Live;
  readonly #board: Board;
  readonly #activity: Activity;
  #unwatch: (() => void) | null = null;
  #unfollow: (() => void) | null = null;
  #followed = '';
  #said: PresenceState | null = null;
  #settling: ReturnType<typeof setTimeout> | undefined;
  #forgetting: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: { api: Pick<ReadingApi, 'setPresence'>; live: Live; board: Board; signs: EventTarget | null }) {
    this.#api = parts.api;
    this.#live = parts.live;
    this.#board = parts.board;
    this.#activity = new Activity(parts.signs, () => { this.say(); });
  }

  start(): void {
    this.stop();
    this.#activity.start();
    this.#unwatch = this.#board.watch(() => { this.#look(); });
  }

  stop(): void {
    this.#unwatch?.();
    this.#unwatch = null;
    this.#activity.stop();
    this.lost();
    clearTimeout(this.#forgetting);
    clearTimeout(this.#settling);
    this.#settling = undefined;
  }

  /** What was said held for the connection before. */
  connected(): void {
    clearTimeout(this.#forgetting);
    this.#said = null;
    this.say();
    this.#unfollow?.();
    this.#unfollow = null;
    this.#followed = '';
    this.#follow();
  }

  lost(): void {
    this.#unfollow?.();
    this.#unfollow = null;
    this.#followed = '';
    this.#said = null;
    clearTimeout(this.#forgetting);
    this.#forgetting = setTimeout(() => { this.#board.setPresence({}); }, HOLDS);
  }

  /** Tells the server, where it does not know yet. Who hides tells nothing. */
  say(): void {
    const { privacy } = this.#board;
    if (!this.#live.isConnected || !privacy?.presence) {
      this.#said = null;
      return;
    }
    const state: PresenceState = this.#activity.isActive ? 'ONLINE' : 'AWAY';
    if (state === this.#said) return;
    this.#said = state;
    void this.#api.setPresence(state).catch(() => {
      // Said again with the next change or connection.
      if (this.#said === state) this.#said = null;
    });
  }

  #look(): void {
    this.#settling ??= setTimeout(() => {
      this.#settling = undefined;
      this.#follow();
    }, SETTLES);
  }

  #follow(): void {
    if (!this.#live.isConnected) return;
    const memberIds = this.#board.peopleShown(MOST_PEOPLE);
    const followed = memberIds.toSorted().join(' ');
    if (followed === this.#followed) return;
    this.#followed = followed;
    this.#unfollow?.();
    this.#unfollow = null;
    if (memberIds.length === 0) {
      this.#board.setPresence({});
      return;
    }
    let isFirst = true;
    this.#unfollow = this.#live.follow(PresenceDocument, { memberIds }, ({ presence }) => {
      this.#board.setPresence({ ...(isFirst ? {} : this.#board.presence), ...shown(presence) });
      isFirst = false;
    });
  }
}

function shown({ presences }: PresenceSubscription['presence']): Record<string, PresenceInfo> {
  return Object.fromEntries(
    presences.map(({ member, presence: { state, lastSeenAt } }) => [member.id, { state, lastSeenAt: lastSeenAt ? Date.parse(lastSeenAt) : null }]),
  );
}
