/** What a person can do when the server contradicts what this device has seen (e2ee.md section 12; docs/decisions/0082). */
import { CircleFailure } from '../../errors';
import type { AlarmView, Level } from '../trustKeeper';
import { equal, type Bytes } from '../protocol/bytes';
import { ProtocolError } from '../protocol/errors';
import { accepted, resealWaiting } from './accepting';
import { isWholeAgain, kindOf, type AlarmKind } from './alarmWords';
import type { Context } from './context';
import { contradictionOf, raise } from './contradiction';
import { ownEntries } from './ownEntries';
import { ALARMS } from './reasons';
import type { Rooms } from './rooms';
import type { Space } from './space';
import { keys, type LogRow } from './spaceRecord';
import type { Identity, LogEvent, Snapshot, SpaceChange } from './wire';

/** What does not verify is nothing that anybody could go on with. */
const INVALID: ReadonlySet<AlarmKind> = new Set<AlarmKind>(['roster', 'unverified', 'seal']);

export class Alarms {
  readonly #context: Context;
  readonly #rooms: Rooms;

  constructor(context: Context, rooms: Rooms) {
    this.#context = context;
    this.#rooms = rooms;
  }

  async of(space: string): Promise<AlarmView | null> {
    const open = await this.#rooms.get(space);
    const text = this.#rooms.view(open.record).alarm;
    if (text === null) return null;
    const kind = open.record.alarm === null ? null : kindOf(text);
    const { lost = null } = open.record;
    const canOffer = kind === 'older' && lost !== null && (await ownEntries.isAnyAbove(open, this.#context, lost));
    const isOwn = this.#context.people.alarmOf(this.#context.keyring.member) === text;
    return { text, canOffer, canAccept: kind === null ? !isOwn : !INVALID.has(kind) };
  }

  /** `present` is a complete list of the server: what is missing in it must have been left by a signed removal. */
  async checkListed(present: readonly string[]): Promise<SpaceChange[]> {
    const listed = new Set(present);
    const changes: SpaceChange[] = [];
    for (const { space, seats, alarm, isAbandoned } of await this.#rooms.records()) {
      if (listed.has(space) || alarm !== null || isAbandoned || !seats.some(({ member }) => member === this.#context.keyring.member)) continue;
      const open = await this.#rooms.get(space);
      changes.push(await this.#change(open, () => { open.record.alarm = ALARMS.omitted; }));
    }
    return changes;
  }

  // ---- offering

  /** How far the server's log and the own one agree, by a head that the server names. */
  async level(space: string, seq: number, hash: Bytes): Promise<Level & { change: SpaceChange | null }> {
    const open = await this.#rooms.get(space);
    const text = await contradictionOf(open, this.#context.store, { n: seq, hash });
    if (text === null) return { how: 'same', next: null, change: seq === open.head.n && isWholeAgain(open.record) ? await this.#change(open, () => undefined) : null };
    if (kindOf(text) === 'older') {
      const change = open.record.lost === null || open.record.lost === undefined || open.record.lost >= seq ? null : await this.#change(open, () => { open.record.lost = seq; });
      return { how: 'lost', next: await ownEntries.at(open, this.#context, seq + 1), change };
    }
    return { how: 'other', next: null, change: await this.#change(open, () => { this.#replace(open, text, seq); }) };
  }

  #replace({ record }: Space, text: string, seq: number): void {
    // What seemed to be a shorter log is another one.
    if (record.alarm !== null && kindOf(record.alarm) === 'older') Object.assign(record, { alarm: null, lost: null });
    raise(record, text, seq);
  }

  // ---- accepting

  async commonPoint(space: string, events: readonly LogEvent[]): Promise<number | null> {
    const { id, head } = await this.#rooms.get(space);
    for (const { seq, logHash } of events.toReversed()) {
      const hash = seq === head.n ? head.hash : ((await this.#context.store.get('log', [id, seq])) as LogRow | undefined)?.hash;
      if (hash && equal(hash, logHash)) return seq;
    }
    return null;
  }

  async accept(space: string, common: number, snapshot: Snapshot | null, identities: readonly Identity[]): Promise<SpaceChange[]> {
    const view = await this.of(space);
    if (!view?.canAccept) throw new CircleFailure('UNVERIFIED', 'What the server shows of this conversation cannot be verified, so there is nothing to go on with.');
    const open = await this.#rooms.get(space);
    try {
      return await this.#accept(open, common, snapshot, identities);
    } catch (error) {
      await this.#context.people.reload();
      throw error instanceof ProtocolError ? new CircleFailure('UNVERIFIED', `What the server shows now cannot be taken over either. ${error.message}`) : error;
    }
  }

  async #accept(open: Space, common: number, snapshot: Snapshot | null, identities: readonly Identity[]): Promise<SpaceChange[]> {
    const { people, account, store, keyring } = this.#context;
    // Of oneself nobody has to believe the server: an alarm about the own keys stays.
    const doubted = identities.filter(({ person }) => person.id !== keyring.member && people.alarmOf(person.id) !== null);
    const change = await this.#rooms.change([open.id], async (draft) => {
      for (const identity of doubted) draft.add(await people.restart(identity));
      if (open.record.alarm === null) return this.#rooms.shown(open);
      if (snapshot === null) {
        // The server shows nothing of it: one has left, and what this device has stays.
        Object.assign(open.record, { alarm: null, lost: null, out: true, isAbandoned: true });
        return this.#rooms.shown(open);
      }
      const { space, shown } = await accepted(this.#context, draft, open, common, snapshot);
      this.#rooms.put(space);
      space.save(draft); // what is shown comes from the record, which learns of the roster by this
      return this.#rooms.shown(space, shown);
    });
    // The other devices hear of it at once: what is known now is told in the place of the pins that gave way.
    await store.write([account.forget('spaces', open.id), ...doubted.map(({ person }) => account.forget('members', person.id))]);
    const members = new Set(doubted.map(({ person }) => person.id));
    const others = (await this.#rooms.records()).filter(({ space, seats }) => space !== open.id && seats.some(({ member }) => members.has(member)));
    return [change, ...others.map((record) => ({ view: this.#rooms.view(record), items: [], gone: [] }))];
  }

  /**
   * The account's own log is read from its beginning as the server shows it now. What this device knows of marks and of
   * the recovery key is written to it again.
   */
  async restartAccount(): Promise<void> {
    const { account, store } = this.#context;
    const open = account.space === null ? null : await this.#rooms.find(account.space);
    if (!open || open.record.alarm === null) throw new CircleFailure('INVALID', 'There is nothing to decide about your account.');
    await this.#rooms.change([], async (draft) => {
      const { alarm, head } = open.record;
      const rows = await store.range('log', [open.id, 0], [open.id, Number.MAX_SAFE_INTEGER]);
      draft.put('records', `evidence:${open.id}:${Date.now()}`, { alarm, head, log: rows.map(({ key, value }) => ({ seq: key[1], value })) });
      for (const { key } of [...rows, ...(await store.range('log', [open.id, ''], [open.id, '~']))]) draft.put('log', key, undefined);
      for (const { key } of await store.range('records', `epoch:${open.id}:`, `epoch:${open.id};`)) draft.put('records', key, undefined);
      for (const { key } of await store.range('records', ...keys.links(open.id))) draft.put('records', key, undefined);
      draft.put('records', keys.space(open.id), undefined);
      await resealWaiting(this.#context, draft, open.id);
      for (const write of account.restart()) draft.add(write);
    });
    this.#rooms.forget(open.id);
  }

  #change(open: Space, change: () => void): Promise<SpaceChange> {
    return this.#rooms.change([open.id], () => {
      change();
      return Promise.resolve(this.#rooms.shown(open));
    });
  }
}
