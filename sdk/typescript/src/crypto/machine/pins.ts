/** What the member's devices have seen, told to each other through the account space (e2ee.md section 12; docs/decisions/0080). */
import { ROWS_CAP, type AccountContent, type MemberPin, type SpacePin } from '../protocol/account';
import { equal, fromHex, toHex, type Bytes } from '../protocol/bytes';
import { NO_EPOCH } from '../protocol/roster';
import type { Head } from '../protocol/signer';
import { ACCOUNT_PIN } from './arrivals';
import { alarm } from './alarmWords';
import type { Context } from './context';
import { rereadAccount } from './rereading';
import type { Rooms } from './rooms';
import type { Sending } from './sending';
import type { Space } from './space';
import type { LogRow, SpaceRecord } from './spaceRecord';
import type { LogEvent, SpaceChange } from './wire';

/** Pins are written at most this often, but for what is told at once. */
const OFTEN = 10 * 60_000;

export class Pins {
  readonly #context: Context;
  readonly #rooms: Rooms;
  readonly #sending: Sending;

  constructor(context: Context, rooms: Rooms, sending: Sending) {
    this.#context = context;
    this.#rooms = rooms;
    this.#sending = sending;
  }

  /** Queues the rows that say more than those in force; true when something waits to be sent. */
  async queue(): Promise<boolean> {
    const { account, people, store } = this.#context;
    const own = account.space === null ? null : await this.#rooms.find(account.space);
    if (!own || own.record.alarm !== null) return false;
    await this.#writeAgain(own.id);
    const waiting = await this.#waiting(own.id);
    if (waiting.some(({ isPins }) => isPins)) return true;
    const now = Date.now();
    const isTime = now - account.pinnedAt >= OFTEN;
    const members = people.pins().filter((pin) => this.#isNews(pin, isTime));
    const spaces = isTime ? (await this.#rooms.records()).flatMap((record) => this.#spaceRow(record)) : [];
    for (const rows of parts(members)) await this.#sending.queueAccount(own.id, { what: 'members', rows });
    for (const rows of parts(spaces)) await this.#sending.queueAccount(own.id, { what: 'spaces', rows });
    if (isTime && members.length + spaces.length > 0) await store.write([account.pinned(now)]);
    return waiting.length + members.length + spaces.length > 0;
  }

  /** Marks that this device knew before the account's log was read afresh; they win, for they are written later. */
  async #writeAgain(space: string): Promise<void> {
    const { account, store } = this.#context;
    if (!account.again) return;
    const { marks, confirmed } = account.again;
    const contents: AccountContent[] = parts(marks).map((rows) => ({ what: 'marks', rows }));
    if (confirmed) contents.push({ what: 'confirmed', confirmed });
    for (const content of contents) {
      await this.#sending.queueAccount(space, content);
      await store.write(account.take(content));
    }
    await store.write([account.restarted()]);
  }

  /** What waits for the account's space. Pins that could not be sent are made anew, everything else is tried again. */
  async #waiting(space: string): Promise<{ isPins: boolean }[]> {
    const waiting: { isPins: boolean }[] = [];
    for (const { key, state, content } of (await this.#sending.queued()).filter((one) => one.space === space)) {
      const isPins = 'account' in content && content.what === 'pins';
      if (state === 'failed' && isPins) await this.#sending.discard(key);
      else waiting.push({ isPins });
      if (state === 'failed' && !isPins) await this.#sending.requeue(key);
    }
    return waiting;
  }

  /** A member seen for the first time and an accepted identity are told at once. */
  #isNews(pin: MemberPin, isTime: boolean): boolean {
    const row = this.#context.account.book.members.get(toHex(pin.member));
    if (!row || !equal(row.identity, pin.identity)) return !row || pin.chain.n > row.chain.n;
    return isTime && (pin.chain.n > row.chain.n || pin.generation > row.generation);
  }

  #spaceRow({ space, isAccount, alarm: raised, out, rosterHead, current, head }: SpaceRecord): SpacePin[] {
    if (isAccount || raised !== null || out || !rosterHead) return [];
    const epoch = current ?? NO_EPOCH;
    const row = this.#context.account.book.spaces.get(space);
    if (row && rosterHead.n <= row.roster.n && epoch.n <= row.epoch.n && head.n <= row.log.n) return [];
    return [{ space: fromHex(space), roster: rosterHead, epoch: { n: epoch.n, hash: epoch.hash }, log: head }];
  }

  async reread(events: LogEvent[]): Promise<void> {
    const { account } = this.#context;
    const own = account.space === null ? null : await this.#rooms.find(account.space);
    if (!own) return;
    const waiting = (await this.#sending.queued()).filter(({ space }) => space === own.id);
    await this.#rooms.change([own.id], async (draft) => {
      await rereadAccount(own, draft, this.#context, events, waiting);
      await own.settleKeyless();
    });
  }

  /** This device is level with the server: nothing may be below what another device has seen. */
  async check(): Promise<SpaceChange[]> {
    const { account, store } = this.#context;
    const changes: SpaceChange[] = [];
    for (const [space, pin] of account.book.spaces) {
      const open = await this.#bounded(space, pin);
      const found = open && (await this.#contradiction(open, pin));
      if (open && found) changes.push(await this.#raise(open, found));
    }
    const told = (await store.get('records', ACCOUNT_PIN)) as Head | undefined;
    const own = account.space === null ? null : await this.#rooms.find(account.space);
    if (told && own && own.record.alarm === null) {
      const found = await this.#ofLog(own, told);
      if (found) changes.push(await this.#raise(own, found));
      else await store.write([{ table: 'records', key: ACCOUNT_PIN, value: undefined }]);
    }
    return changes;
  }

  /** The space, where the pin says something about it: those at or below this device's own heads are compared once. */
  async #bounded(space: string, pin: SpacePin): Promise<Space | null> {
    const open = await this.#rooms.find(space);
    if (!open || open.record.alarm !== null || open.record.out || open.record.boundBy === toHex(pin.log.hash)) return null;
    return open;
  }

  async #contradiction(open: Space, pin: SpacePin): Promise<string | null> {
    const found = ofRoster(open, pin.roster) ?? (await ofEpoch(open, pin.epoch)) ?? (await this.#ofLog(open, pin.log));
    if (found !== null) return found;
    await this.#rooms.change([open.id], () => {
      open.record.boundBy = toHex(pin.log.hash);
      return Promise.resolve();
    });
    return null;
  }

  async #ofLog({ id, record }: Space, { n, hash }: Head): Promise<string | null> {
    if (n > record.head.n) return alarm('older', `Another device of yours has seen entry ${n}, and the server ends at entry ${record.head.n}.`);
    const row = n === record.head.n ? record.head : ((await this.#context.store.get('log', [id, n])) as LogRow | undefined);
    return row && !equal(row.hash, hash) ? alarm('fork', `Entry ${n} is another here than on another device of yours.`) : null;
  }

  #raise(open: Space, text: string): Promise<SpaceChange> {
    return this.#rooms.change([open.id], () => {
      open.record.alarm ??= text;
      return Promise.resolve(this.#rooms.shown(open));
    });
  }
}

function ofRoster({ states }: Space, { n, hash }: Head): string | null {
  const state = states[n];
  if (state && equal(state.hash, hash)) return null;
  const what = state ? 'another list of members than another device of yours has seen' : 'an older list of members than another device of yours has seen';
  return alarm(state ? 'fork' : 'older', `The server shows ${what}.`);
}

async function ofEpoch(open: Space, { n, hash }: { n: number; hash: Bytes }): Promise<string | null> {
  if (n > (open.record.current?.n ?? 0)) return alarm('older', 'The server shows older keys than another device of yours has seen.');
  const epoch = n === 0 ? null : await open.epoch(n);
  return epoch && !equal(epoch.hash, hash) ? alarm('fork', 'The server shows other keys than another device of yours has seen.') : null;
}

function parts<T>(rows: T[]): T[][] {
  return Array.from({ length: Math.ceil(rows.length / ROWS_CAP) }, (_, at) => rows.slice(at * ROWS_CAP, (at + 1) * ROWS_CAP));
}
