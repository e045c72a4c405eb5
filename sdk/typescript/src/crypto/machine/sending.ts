/** Making and sending: the outbox, and what is signed for a conversation. */
import { CircleFailure } from '../../errors';
import { equal, type Bytes } from '../protocol/bytes';
import { EnvelopeKind } from '../protocol/envelope';
import { outlives } from '../protocol/rules';
import type { LifetimeClass } from '../../types';
import { accountBytes } from './accountSpace';
import type { AccountContent } from '../protocol/account';
import type { Context, Shown } from './context';
import { nextComplaint, noteComplained } from './complaints';
import type { Draft } from './draft';
import { deadlineOf, remind, waitsUntil } from './expiry';
import { keep } from './lines';
import { checkList, makeChange, makeConversation, makeNextEpoch, makeOwnComplaint, makeOwnGrants, type ConversationPlan } from './maker';
import { ownEntries } from './ownEntries';
import { newQueued, pendingOf, queuedItem, sealQueued, type Queued, type QueuedContent } from './queue';
import { ALARMS } from './reasons';
import type { Rooms } from './rooms';
import type { Space } from './space';
import type { LogRow, SpaceRecord, StoredItem } from './spaceRecord';
import type { EpochInputBytes, ItemView, LinkBytes, NewConversation, Pending, RosterChange, Sealed, SpaceChange } from './wire';

/** What nobody has accepted does not outlive what it would have. */
function remindWaiting(space: Space, draft: Draft, queued: Queued): void {
  const until = waitsUntil(space.record.lifetime, queued);
  if (until !== null) remind(space, draft, until, { what: 'waiting', key: queued.key });
}

const GONE = new CircleFailure('GONE', 'This message is no longer waiting.');

export class Sending {
  readonly #context: Context;
  readonly #rooms: Rooms;
  /** Of the message queued last; null until the outbox was looked at. */
  #order: number | null = null;

  constructor(context: Context, rooms: Rooms) {
    this.#context = context;
    this.#rooms = rooms;
  }

  // ---- making

  makeConversation(plan: ConversationPlan): Promise<NewConversation> {
    return makeConversation(this.#context, plan);
  }

  async makeRosterLink(space: string, change: RosterChange): Promise<LinkBytes> {
    return makeChange(this.#context, await this.#rooms.get(space), change);
  }

  async makeEpoch(space: string): Promise<EpochInputBytes> {
    const open = await this.#rooms.get(space);
    const made = await makeNextEpoch(this.#context, open);
    await ownEntries.made(open, this.#context, made);
    return made;
  }

  async makeGrants(space: string, member: string): Promise<{ grant: Bytes; generation: number }[]> {
    return makeOwnGrants(this.#context, await this.#rooms.get(space), member);
  }

  async unlearned(space: string, member: string): Promise<number[]> {
    const open = await this.#rooms.get(space);
    const isHistoryOwed = open.record.owed.some((one) => one.member === member && one.epoch === 0);
    const found: number[] = [];
    for (let n = isHistoryOwed ? (open.record.current?.n ?? 0) : 0; n > 0; n -= 1) if (!(await open.epoch(n))) found.push(n);
    return found;
  }

  /** The keys that a complainer lacked were given. */
  repaid(space: string, member: string): Promise<SpaceChange> {
    return this.#alter(space, (record) => { record.owed = record.owed.filter((one) => one.member !== member); });
  }

  complained(space: string, epoch: number): Promise<SpaceChange> {
    return this.#alter(space, (record) => { noteComplained(record, epoch, Date.now()); });
  }

  async #alter(space: string, change: (record: SpaceRecord) => void): Promise<SpaceChange> {
    const open = await this.#rooms.get(space);
    return this.#rooms.change([space], () => {
      change(open.record);
      return Promise.resolve(this.#rooms.shown(open));
    });
  }

  async isEpochChecked(space: string): Promise<boolean> {
    const { record } = await this.#rooms.get(space);
    return record.current !== null && record.checked === record.current.n;
  }

  async checkRecipients(space: string): Promise<void> {
    const open = await this.#rooms.get(space);
    await checkList(this.#context, open);
    await this.#rooms.change([space], () => {
      open.record.checked = open.record.current?.n ?? 0;
      return Promise.resolve();
    });
  }

  async takeComplaint(space: string): Promise<{ epoch: number; complaint: LinkBytes } | null> {
    const open = await this.#rooms.get(space);
    const epoch = nextComplaint(open.record, Date.now());
    const complaint = epoch === null ? null : await makeOwnComplaint(this.#context, open, epoch);
    return epoch === null || complaint === null ? null : { epoch, complaint };
  }

  // ---- the outbox

  queueText(space: string, text: string, lifetime?: LifetimeClass): Promise<SpaceChange> {
    return this.#queue(space, { kind: EnvelopeKind.MESSAGE, text }, lifetime);
  }

  queueState(space: string, title: string, picture: { bytes: Bytes; mediaType: string } | null): Promise<SpaceChange> {
    return this.#queue(space, { kind: EnvelopeKind.STATE, title, picture });
  }

  /** For the account's space. */
  async queueAccount(space: string, content: AccountContent): Promise<void> {
    const what = content.what === 'members' || content.what === 'spaces' ? 'pins' : 'mark';
    await this.#queue(space, { kind: EnvelopeKind.STATE, account: accountBytes(content), what });
  }

  async pending(): Promise<Pending[]> {
    return (await this.queued()).map(pendingOf);
  }

  async queued(): Promise<Queued[]> {
    const found = await this.#context.store.range('outbox', '', '~');
    return found.map(({ value }) => value as Queued).sort((one, other) => one.order - other.order);
  }

  async isSealed(key: string): Promise<boolean> {
    return (await this.#find(key)).envelope !== null;
  }

  async isTooLasting(key: string): Promise<boolean> {
    const { space, b } = await this.#find(key);
    return b !== null && outlives(b, (await this.#rooms.get(space)).policyClass);
  }

  async seal(key: string, again: boolean): Promise<Sealed> {
    const queued = await this.#find(key);
    if (queued.envelope && !again) return { key, envelope: queued.envelope, epoch: queued.epoch };
    const space = await this.#rooms.get(queued.space);
    const made = await sealQueued(this.#context, space, queued);
    // Stored before it is sent: after a crash the same bytes go out again, and the server knows them.
    await this.#rooms.change([space.id], (draft) => {
      const sealed: Queued = { ...queued, ...made };
      draft.put('outbox', key, sealed);
      remindWaiting(space, draft, sealed);
      return Promise.resolve();
    });
    return { key, envelope: made.envelope, epoch: made.epoch };
  }

  async sent(key: string, seq: number, item: Bytes): Promise<SpaceChange> {
    const queued = (await this.#context.store.get('outbox', key)) as Queued | undefined;
    if (!queued) throw GONE;
    const space = await this.#rooms.get(queued.space);
    return this.#rooms.change([space.id], async (draft) => {
      draft.put('outbox', key, undefined);
      const shown = await this.#settle(draft, space, queued, seq, item);
      return this.#rooms.shown(space, shown);
    });
  }

  /** The log must show it where the server said; until it does, it stands there already. */
  async #settle(draft: Draft, space: Space, queued: Queued, seq: number, item: Bytes): Promise<Shown> {
    const { record } = space;
    if (seq <= record.head.n) {
      const row = (await draft.get('log', [space.id, seq])) as LogRow | undefined;
      if (!row || !equal(row.item, item)) record.alarm ??= ALARMS.moved;
      const stored = (await draft.get('items', [space.id, seq])) as StoredItem | undefined;
      return { items: stored ? [stored] : [], gone: [] };
    }
    record.told.push({ seq, item });
    if (queued.content.kind !== EnvelopeKind.MESSAGE) return { items: [], gone: [] };
    const { key, time, content } = queued;
    const b = queued.b ?? 0;
    const now = Date.now();
    return keep(space, draft, {
      key, seq, time, sender: this.#context.keyring.member, body: { kind: 'text', text: content.text }, epoch: record.current?.n ?? 0,
      b, expiresAt: deadlineOf(now, b, now),
    });
  }

  async failed(key: string, reason: string): Promise<SpaceChange> {
    return this.#mark(key, 'failed', reason);
  }

  async requeue(key: string): Promise<SpaceChange> {
    return this.#mark(key, 'sending', null);
  }

  async discard(key: string): Promise<SpaceChange> {
    const { space } = await this.#find(key);
    await this.#context.store.write([{ table: 'outbox', key, value: undefined }]);
    return { ...this.#rooms.shown(await this.#rooms.get(space)), gone: [key] };
  }

  async #queue(space: string, content: QueuedContent, lifetime?: LifetimeClass): Promise<SpaceChange> {
    const open = await this.#rooms.get(space);
    this.#order ??= (await this.queued()).at(-1)?.order ?? 0;
    this.#order += 1;
    const now = Date.now();
    const queued = newQueued(open, content, this.#order, now, lifetime);
    await this.#rooms.change([space], (draft) => {
      draft.put('outbox', queued.key, queued);
      remindWaiting(open, draft, queued);
      open.record.lastActivity = Math.max(open.record.lastActivity, now);
      return Promise.resolve();
    });
    return this.#withItems(open, queuedItem(queued, this.#context.keyring.member, open.record.lifetime));
  }

  async #mark(key: string, state: Queued['state'], error: string | null): Promise<SpaceChange> {
    const queued: Queued = { ...(await this.#find(key)), state, error };
    await this.#context.store.write([{ table: 'outbox', key, value: queued }]);
    const space = await this.#rooms.get(queued.space);
    return this.#withItems(space, queuedItem(queued, this.#context.keyring.member, space.record.lifetime));
  }

  #withItems(space: Space, items: ItemView[]): SpaceChange {
    return { ...this.#rooms.shown(space), items };
  }

  async #find(key: string): Promise<Queued> {
    const queued = (await this.#context.store.get('outbox', key)) as Queued | undefined;
    if (!queued) throw GONE;
    return queued;
  }
}
