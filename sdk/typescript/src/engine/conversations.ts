/** What a person does with conversations: make, open, read back, change who is in them. */
import type { Keeper, NewConversation, RosterChange, SpaceView } from '../crypto';
import { CircleFailure, codeOf, isUncertain } from '../errors';
import type { Board } from '../state/board';
import type { ConversationType, HistoryPolicy, LifetimeClass, SpaceRole } from '../types';
import { newestRun, type Api } from './api';
import type { Epochs } from './epochs';
import type { Invites } from './invites';
import type { Learner } from './learner';
import type { Mending } from './mending';
import type { Outbox } from './outbox';
import { isPageVisible } from './page';
import { shrinkPicture } from './pictures';
import type { Sync } from './sync';

const PAGE = 50;
const TRIES = 4;
const LONGEST_TEXT = 16_000;
const LONGEST_TITLE = 120;

export interface CreateInput {
  type: ConversationType;
  people: string[];
  title?: string;
  picture?: Blob;
  roles?: Record<string, SpaceRole>;
  lifetime?: LifetimeClass;
  history?: HistoryPolicy;
}

export class Conversations {
  readonly #api: Api;
  readonly #keeper: Keeper;
  readonly #learner: Learner;
  readonly #sync: Sync;
  readonly #epochs: Epochs;
  readonly #outbox: Outbox;
  readonly #invites: Invites;
  readonly #mending: Mending;
  readonly #board: Board;
  #stop = new AbortController();

  constructor(parts: { api: Api; keeper: Keeper; learner: Learner; sync: Sync; epochs: Epochs; outbox: Outbox; invites: Invites; mending: Mending; board: Board }) {
    this.#api = parts.api;
    this.#keeper = parts.keeper;
    this.#learner = parts.learner;
    this.#sync = parts.sync;
    this.#epochs = parts.epochs;
    this.#outbox = parts.outbox;
    this.#invites = parts.invites;
    this.#mending = parts.mending;
    this.#board = parts.board;
  }

  start(): void {
    this.#stop = new AbortController();
  }

  stop(): void {
    this.#stop.abort();
    this.#cursors.clear();
  }

  /** For two people who talk already, the conversation that they have. */
  async create(input: CreateInput): Promise<string> {
    const picture = input.picture ? await shrinkPicture(input.picture) : null;
    const members = await this.#members(input.people);
    const people = members.map((member, index) => ({ member, role: input.roles?.[input.people[index] ?? ''] ?? usualRole(input.type) }));
    const named = input.title === undefined || input.title.trim() === '' ? null : tidyTitle(input.title);
    const title = input.type === 'DIRECT' ? null : (named ?? (picture ? '' : null));
    const policy = { lifetime: input.lifetime ?? 0, shared: input.history === 'SHARED' };
    const plan = { type: input.type, people, title, picture, policy };
    for (let attempt = 0; ; attempt += 1) {
      let made: NewConversation | null = null;
      try {
        made = await this.#keeper.makeConversation(plan);
        const node = await this.#api.createConversation(made);
        await this.#sync.catchUp(node);
        return node;
      } catch (error) {
        if (made && (isUncertain(error) || codeOf(error) === 'ID_TAKEN')) {
          const node = await this.#find(made.space);
          if (node !== null) return node;
        }
        if (codeOf(error) === 'DIRECT_EXISTS' && error instanceof CircleFailure && error.detail) {
          await this.#sync.catchUp(error.detail);
          return error.detail;
        }
        // Somebody's keys changed in between, as the server says, or a log that told of it: make it again with the new ones.
        if (!['RECIPIENTS_CHANGED', 'CHAIN_CONFLICT', 'STALE_DEVICE'].includes(codeOf(error)) || attempt >= TRIES) throw error;
        await this.#learner.learnMe();
        await this.#learner.learnMembers(members);
      }
    }
  }

  /** Whether a conversation was made after all, although the answer was lost. */
  async #find(space: string): Promise<string | null> {
    const made = (await this.#api.heads()).find((head) => head.space === space);
    if (made) await this.#sync.catchUp(made.node);
    return made?.node ?? null;
  }

  /** Shows the newest page, and makes keys that are due before the first message needs them. */
  async open(node: string): Promise<void> {
    const { space } = this.#known(node);
    this.#board.setOpen(node);
    await this.#show(space);
    void this.#epochs.warm(node).catch(() => undefined);
    this.#mending.seek(node);
  }

  /** What is there has been seen, unless nobody sees the page. */
  async markRead(node: string): Promise<void> {
    const { space } = this.#known(node);
    if (isPageVisible()) this.#board.apply([await this.#keeper.markRead(space)]);
  }

  /** Nothing is open any more. */
  close(): void {
    this.#board.setOpen(null);
  }

  /** What this device keeps comes first; then the server's older pages. */
  async loadOlder(node: string): Promise<void> {
    const { space, hasOlder } = this.#known(node);
    this.#board.setLoadingOlder(space, true);
    try {
      if ((await this.#show(space)) > 0 || !hasOlder) return;
      const start = await this.#keeper.start(space);
      const page = await this.#pageBefore(node, space, start);
      await this.#learner.prepare(page.events);
      this.#board.apply([await this.#keeper.applyOlder(space, page.events, page.before !== null)]);
    } finally {
      this.#board.setLoadingOlder(space, false);
    }
  }

  async #show(space: string): Promise<number> {
    const view = this.#board.viewOf(space);
    const items = await this.#keeper.items(space, this.#board.lowestShown(space), PAGE);
    if (view && items.length > 0) this.#board.apply([{ view, items, gone: [] }]);
    return items.length;
  }

  readonly #cursors = new Map<string, { start: number; before: string }>();

  /** The page that ends just below `start`; cursors are the server's, so the way there is walked once. */
  async #pageBefore(node: string, space: string, start: number): Promise<{ events: Awaited<ReturnType<Api['eventsBefore']>>['events']; before: string | null }> {
    const known = this.#cursors.get(space);
    let before = known?.start === start ? known.before : null;
    for (;;) {
      const page = await this.#api.eventsBefore(node, before);
      const events = newestRun(page.events.filter(({ seq }) => seq < start));
      const [first] = events;
      if (first && page.before !== null) this.#cursors.set(space, { start: first.seq, before: page.before });
      if (events.length > 0 || page.before === null) return { events, before: page.before };
      before = page.before;
    }
  }

  // ---- messages

  async send(node: string, text: string, lifetime?: LifetimeClass): Promise<void> {
    const { space, role, lifetime: longest } = this.#known(node);
    if (role === 'READER') throw new CircleFailure('FORBIDDEN', 'You may read here, but not write.');
    const tidy = text.trim();
    if (tidy === '') throw new CircleFailure('INVALID', 'There is nothing to send.');
    if (Array.from(tidy).length > LONGEST_TEXT) throw new CircleFailure('INVALID', 'This message is too long. A message has at most 16,000 characters.');
    if (lifetime !== undefined && longest !== 0 && (lifetime === 0 || lifetime > longest)) {
      throw new CircleFailure('LIFETIME_TOO_LONG', 'Messages in this conversation do not stay that long.');
    }
    this.#board.apply([await this.#keeper.queueText(space, tidy, lifetime)]);
    this.#outbox.push(node);
  }

  async retry(node: string, key: string): Promise<void> {
    this.#board.apply([await this.#keeper.requeue(key)]);
    this.#outbox.push(node);
  }

  async discard(key: string): Promise<void> {
    this.#board.apply([await this.#keeper.discard(key)]);
  }

  async setTitle(node: string, title: string, picture?: Blob | null): Promise<void> {
    const view = this.#known(node);
    if (view.role === 'READER' || view.role === 'WRITER') throw new CircleFailure('FORBIDDEN', 'Only admins change the title and the picture.');
    const kept = picture === undefined ? view.picture : picture === null ? null : await shrinkPicture(picture);
    this.#board.apply([await this.#keeper.queueState(view.space, tidyTitle(title), kept)]);
    this.#outbox.push(node);
    await this.#outbox.idle(node);
    await this.#demandSent(view.space);
  }

  /** A title has no line in the conversation to show its failure, so the caller is told. */
  async #demandSent(space: string): Promise<void> {
    const stuck = (await this.#keeper.pending()).find((one) => one.space === space && one.state === 'failed' && one.kind === 'state');
    if (!stuck) return;
    await this.#keeper.discard(stuck.key);
    throw new CircleFailure('FORBIDDEN', stuck.error ?? 'The title could not be changed.');
  }

  // ---- members

  async add(node: string, people: string[], role: SpaceRole | undefined): Promise<void> {
    const members = await this.#members(people);
    for (const member of members) await this.#change(node, { what: 'add', member, role: role ?? usualRole(this.#known(node).type) });
    // Before the new keys, so that a newcomer who hears of them finds the old ones.
    for (const member of members) await this.#epochs.give(node, member).catch(() => undefined);
    await this.#renew(node);
    await this.#sealTitle(node);
  }

  /** Newcomers read what is sealed from now on; without this they would not see the title. */
  async #sealTitle(node: string): Promise<void> {
    const view = this.#known(node);
    if (view.title === null) return;
    await this.#keeper.queueState(view.space, view.title, view.picture);
    this.#outbox.push(node);
  }

  /** Lets somebody who began anew in again; what they may read of before is for the conversation's policy to say. */
  async readmit(node: string, member: string): Promise<void> {
    const { role, roster, type } = this.#known(node);
    const seat = roster.find((one) => one.member === member);
    if (!seat) throw new CircleFailure('NOT_FOUND', 'This person is no longer in this conversation.');
    if (!seat.changed) return;
    if (type !== 'DIRECT' && role !== 'ADMIN' && role !== 'OWNER') throw new CircleFailure('FORBIDDEN', 'Only admins let people in again.');
    await this.#change(node, { what: 'readmit', member });
    await this.#epochs.give(node, member).catch(() => undefined);
    await this.#renew(node);
    await this.#sealTitle(node);
  }

  async remove(node: string, person: string): Promise<void> {
    await this.#change(node, { what: 'remove', member: this.#member(person) });
    await this.#renew(node);
  }

  async changeRole(node: string, person: string, role: SpaceRole): Promise<void> {
    await this.#change(node, { what: 'role', member: this.#member(person), role });
    await this.#renew(node);
  }

  /** New keys at once; where that fails now, whoever sends next makes them first. */
  async #renew(node: string): Promise<void> {
    await this.#epochs.warm(node).catch(() => undefined);
  }

  async leave(node: string): Promise<void> {
    const { me } = this.#board;
    if (!me) throw new CircleFailure('LOCKED', 'Please unlock Circle first.');
    await this.#change(node, { what: 'remove', member: me.id });
  }

  /** What the conversation keeps and for how long; new keys follow at once, where that can be. */
  async setPolicy(node: string, policy: { lifetime?: LifetimeClass; history?: HistoryPolicy }): Promise<void> {
    const change: RosterChange = { what: 'policy', ...policy };
    if (isDone(this.#known(node), change)) return;
    await this.#change(node, change);
    await this.#renew(node);
  }

  /** Signs the change on the newest state, again when somebody else was faster. */
  async #change(node: string, change: RosterChange): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      const view = this.#known(node);
      if (view.alarm !== null) throw new CircleFailure('ALARM', view.alarm);
      if (attempt > 0 && isDone(view, change)) return;
      const link = await this.#keeper.makeRosterLink(view.space, change);
      try {
        await this.#api.changeRoster(link);
        await this.#sync.catchUp(node);
        return;
      } catch (error) {
        const code = codeOf(error);
        // Whether a request that got no answer was done shows when the log is read.
        if ((code !== 'CHAIN_CONFLICT' && code !== 'STALE_DEVICE' && !isUncertain(error)) || attempt >= TRIES) throw error;
        await this.#sync.catchUp(node);
        await this.#learner.learnMe();
        if ('member' in change) await this.#learner.learnMembers([change.member]);
      }
    }
  }

  /** Learns their chains and keys as they are now; first what invites prove of them. */
  async #members(people: string[]): Promise<string[]> {
    const unmet = people.filter((node) => this.#board.memberOf(node) === undefined);
    if (unmet.length > 0) this.#board.meet(await this.#api.peopleByNode(unmet));
    const members = people.map((node) => this.#member(node));
    await this.#learner.learnMembers(members);
    await this.#invites.refresh();
    return members;
  }

  #member(node: string): string {
    const member = this.#board.memberOf(node);
    if (member === undefined) throw new CircleFailure('NOT_FOUND', 'This person is not known here.');
    return member;
  }

  #known(node: string): SpaceView {
    const view = this.#board.view(node);
    if (!view) throw new CircleFailure('NOT_FOUND', 'This conversation is not known on this device.');
    return view;
  }
}

function usualRole(type: ConversationType): SpaceRole {
  if (type === 'DIRECT') return 'OWNER';
  return type === 'BROADCAST' ? 'READER' : 'WRITER';
}

function isDone(view: SpaceView, change: RosterChange): boolean {
  if (change.what === 'policy') return (change.lifetime ?? view.lifetime) === view.lifetime && (change.history ?? view.history) === view.history;
  const seat = view.roster.find(({ member }) => member === change.member);
  if (change.what === 'add') return seat !== undefined;
  if (change.what === 'readmit') return seat?.changed === false;
  return change.what === 'remove' ? seat === undefined : seat?.role === change.role;
}

function tidyTitle(title: string): string {
  const tidy = title.normalize('NFC').trim();
  if (tidy === '') throw new CircleFailure('INVALID', 'A title cannot be empty.');
  if (Array.from(tidy).length > LONGEST_TITLE) throw new CircleFailure('INVALID', 'A title has at most 120 characters.');
  return tidy;
}
