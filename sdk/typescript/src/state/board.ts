/** Turns what the machine knows into what is shown: the one writer of the client's state. */
import type { StoreApi } from 'zustand/vanilla';
import { toBase64 } from '../bytes';
import type { AccountView, ItemView, PersonRecord, SpaceChange, SpaceView } from '../crypto';
import { toPerson } from '../engine/convert';
import { pictureUrl } from '../engine/pictures';
import type { CircleState, Connection, ConversationState, Participant, Person, Phase, TimelineItem } from '../types';
import { hasReceipts, receiptOf } from './receipts';
import { firstShown, hidesOlder, inOrder, isLine, mentions, type Shown } from './shown';
import { NOTHING } from './store';
import { unreadableCode } from './unreadable';
import { accountAlarmText, noticeText, UNTITLED } from './words';

export class Board {
  readonly #store: StoreApi<CircleState>;
  readonly #people = new Map<string, PersonRecord>();
  readonly #byNode = new Map<string, string>();
  readonly #shown = new Map<string, Shown>();
  readonly #spaceOf = new Map<string, string>();
  #verified = new Set<string>();
  readonly #watchers = new Set<() => void>();
  #me: PersonRecord | null = null;
  #open: { space: string; firstUnread: number | null } | null = null;

  constructor(store: StoreApi<CircleState>) {
    this.#store = store;
  }

  // ---- phases

  setPhase(phase: Phase): void {
    this.#store.setState({ phase });
  }

  get phase(): Phase {
    return this.#store.getState().phase;
  }

  /** Plain words about this device; they stay until the person has seen them. */
  setNotice(notice: string | null): void {
    this.#store.setState({ notice });
  }

  setKeyConfirmed(recoveryKeyConfirmed: boolean): void {
    this.#store.setState({ recoveryKeyConfirmed });
  }

  setConnection(connection: Connection): void {
    this.#store.setState({ connection });
  }

  setSyncing(syncing: boolean): void {
    this.#store.setState({ syncing });
  }

  /** Whether all that the server has is here. */
  get isLevel(): boolean {
    const { connection, syncing } = this.#store.getState();
    return connection === 'online' && !syncing;
  }

  setMe(me: PersonRecord | null): void {
    this.#me = me;
    if (me) this.meet([me]);
    this.#store.setState({ me: me ? toPerson(me) : null });
  }

  get isOnline(): boolean {
    return this.#store.getState().connection === 'online';
  }

  /** What the member's own space says: who is verified, whether the recovery key was written down. */
  setAccount({ space, verified, recoveryKeyConfirmed, alarm }: AccountView): void {
    if (space === null) return;
    const before = this.#verified;
    this.#verified = new Set(verified);
    this.setKeyConfirmed(recoveryKeyConfirmed);
    this.#store.setState({ accountAlarm: alarm === null ? null : accountAlarmText(alarm) });
    this.#publishWith(new Set([...verified, ...before].filter((member) => this.#verified.has(member) !== before.has(member))));
  }

  /** Forgets everything that is shown but the notice about this device. */
  clear(phase: Phase): void {
    this.#people.clear();
    this.#byNode.clear();
    this.#shown.clear();
    this.#spaceOf.clear();
    this.#verified.clear();
    this.#me = null;
    this.#open = null;
    const { connection, notice } = this.#store.getState();
    this.#store.setState({ ...NOTHING, connection, notice, phase });
  }

  // ---- people

  /** Takes names to show; conversations with these people are shown anew. */
  meet(people: PersonRecord[]): void {
    const fresh = people.filter((person) => JSON.stringify(this.#people.get(person.id)) !== JSON.stringify(person));
    if (fresh.length === 0) return;
    for (const person of fresh) {
      this.#people.set(person.id, person);
      this.#byNode.set(person.node, person.id);
    }
    this.#publishWith(new Set(fresh.map(({ id }) => id)));
  }

  /** Shows the conversations with these people anew. */
  #publishWith(ids: Set<string>): void {
    if (ids.size === 0) return;
    this.#publish([...this.#shown.values()].filter(({ view, items }) => view.roster.some(({ member }) => ids.has(member)) || mentions(items, ids)).map(({ view }) => view.space));
  }

  /** The member's hex id by the API's id, or undefined when this person was never met. */
  memberOf(node: string): string | undefined {
    return this.#byNode.get(node);
  }

  isMet(member: string): boolean {
    return this.#people.has(member);
  }

  get me(): PersonRecord | null {
    return this.#me;
  }

  person(member: string): Person {
    const known = this.#people.get(member);
    return known ? { ...toPerson(known), verified: this.#verified.has(member) } : { id: '', protocolId: member, handle: '', displayName: 'Someone', serverRole: 'MEMBER', verified: false };
  }

  // ---- conversations

  view(node: string): SpaceView | undefined {
    const space = this.#spaceOf.get(node);
    return space === undefined ? undefined : this.viewOf(space);
  }

  viewOf(space: string): SpaceView | undefined {
    return this.#shown.get(space)?.view;
  }

  get spaces(): SpaceView[] {
    return [...this.#shown.values()].map(({ view }) => view).filter(({ isAccount }) => !isAccount);
  }

  /** The member's own account space, where it is known. */
  get account(): SpaceView | undefined {
    return [...this.#shown.values()].map(({ view }) => view).find(({ isAccount }) => isAccount);
  }

  /** What is shown of a space, in its order. */
  linesOf(space: string): TimelineItem[] {
    const shown = this.#shown.get(space);
    return shown ? this.#conversation(shown).items : [];
  }

  /** The lowest accepted item that is shown, to load what came before it. */
  lowestShown(space: string): number | null {
    const seqs = [...(this.#shown.get(space)?.items.values() ?? [])].flatMap(({ seq }) => seq ?? []);
    return seqs.length === 0 ? null : Math.min(...seqs);
  }

  setLoadingOlder(space: string, loadingOlder: boolean): void {
    const shown = this.#shown.get(space);
    if (!shown) return;
    shown.loadingOlder = loadingOlder;
    this.#publish([space]);
  }

  // ---- what is open, and what passes

  /** Which conversation is in front of the person; null: none. Where its unread messages begin stays in sight. */
  setOpen(node: string | null): void {
    const before = this.#open;
    const view = node === null ? undefined : this.view(node);
    if (before?.space === view?.space) return;
    this.#open = view ? { space: view.space, firstUnread: view.firstUnread } : null;
    this.#publish([before, this.#open].flatMap((one) => (one ? [one.space] : [])));
    for (const listener of this.#watchers) listener();
  }

  setTyping(node: string, member: string, isTyping: boolean): void {
    const space = this.#spaceOf.get(node);
    const shown = space === undefined ? undefined : this.#shown.get(space);
    if (!shown || shown.typing.has(member) === isTyping) return;
    if (isTyping) shown.typing.add(member);
    else shown.typing.delete(member);
    this.#publish([shown.view.space]);
  }

  clearTyping(): void {
    const touched = [...this.#shown.values()].filter(({ typing }) => typing.size > 0);
    for (const { typing } of touched) typing.clear();
    this.#publish(touched.map(({ view }) => view.space));
  }

  get presence(): CircleState['presence'] {
    return this.#store.getState().presence;
  }

  setPresence(presence: CircleState['presence']): void {
    this.#store.setState({ presence });
  }

  get privacy(): CircleState['privacy'] {
    return this.#store.getState().privacy;
  }

  setPrivacy(privacy: CircleState['privacy']): void {
    this.#store.setState({ privacy });
  }

  /** The API's ids of those who are in sight: in the open conversation, then in direct ones, the newest first. */
  peopleShown(most: number): string[] {
    const direct = this.#store.getState().order.flatMap((node) => this.view(node) ?? []).filter(({ type }) => type === 'DIRECT');
    const open = this.#open && this.viewOf(this.#open.space);
    const members = [...(open ? [open] : []), ...direct].flatMap(({ roster }) => roster.map(({ member }) => member));
    const nodes = members.filter((member) => member !== this.#me?.id).flatMap((member) => this.#people.get(member)?.node ?? []);
    return [...new Set(nodes)].slice(0, most);
  }

  /** Calls this whenever something was applied; what it returns ends that. */
  watch(listener: () => void): () => void {
    this.#watchers.add(listener);
    return () => this.#watchers.delete(listener);
  }

  apply(changes: SpaceChange[]): void {
    for (const { view, items, gone } of changes) {
      const shown = this.#shown.get(view.space) ?? { view, items: new Map<string, ItemView>(), typing: new Set<string>(), loadingOlder: false };
      // Whoever has sent something has stopped typing it.
      for (const { seq, sender } of items) if (sender !== null && seq !== null && seq > shown.view.head) shown.typing.delete(sender);
      shown.view = view;
      for (const item of items) shown.items.set(item.key, item);
      for (const key of gone) shown.items.delete(key);
      this.#shown.set(view.space, shown);
      this.#spaceOf.set(view.node, view.space);
    }
    this.#publish(changes.map(({ view }) => view.space));
    for (const listener of this.#watchers) listener();
  }

  #publish(spaces: string[]): void {
    if (spaces.length === 0) return;
    const conversations = { ...this.#store.getState().conversations };
    for (const space of spaces) {
      const shown = this.#shown.get(space);
      if (shown && !shown.view.isAccount) conversations[shown.view.node] = this.#conversation(shown);
    }
    const order = Object.values(conversations)
      .toSorted((one, other) => other.lastActivity - one.lastActivity)
      .map(({ id }) => id);
    this.#store.setState({ conversations, order });
  }

  #conversation({ view, items, typing, loadingOlder }: Shown): ConversationState {
    const participants: Participant[] = view.roster.map(({ member, role, changed }) => ({ person: this.person(member), role, changed }));
    return {
      id: view.node,
      protocolId: view.space,
      type: view.type,
      title: this.#title(view, participants),
      pictureUrl: view.picture ? pictureUrl(view.picture.bytes, view.picture.mediaType, toBase64) : null,
      role: view.role,
      participants,
      items: [...items.values()].filter(isLine).toSorted(inOrder).map((item) => this.#item(item, view)),
      hasOlder: view.hasOlder || hidesOlder(view, items),
      loadingOlder,
      lastActivity: view.lastActivity,
      unread: view.unread,
      unreadIsMore: view.isMoreUnread,
      firstUnread: firstShown(items, (this.#open?.space === view.space ? this.#open.firstUnread : null) ?? view.firstUnread, this.#me?.id),
      typing: [...typing].map((member) => this.person(member)),
      receipts: view.receipts.map(({ member, delivered, read }) => ({ person: this.person(member), delivered, read })),
      hasReceipts: hasReceipts(view),
      lifetime: view.lifetime,
      history: view.history,
      alarm: view.alarm,
    };
  }

  #title(view: SpaceView, participants: Participant[]): string {
    if (view.type !== 'DIRECT') return view.title === null || view.title === '' ? UNTITLED[view.type] : view.title;
    return participants.find(({ person }) => person.protocolId !== this.#me?.id)?.person.displayName ?? UNTITLED.DIRECT;
  }

  #item(item: ItemView, view: SpaceView): TimelineItem {
    return {
      key: item.key,
      seq: item.seq,
      time: item.time,
      sender: item.sender ? this.person(item.sender) : null,
      mine: item.sender !== null && item.sender === this.#me?.id,
      body: this.#body(item.body, view),
      state: item.state,
      receipt: item.seq !== null && item.state === 'sent' && item.sender === this.#me?.id && item.body.kind === 'text' ? receiptOf(view, item.seq) : null,
      expiresAt: item.expiresAt,
      lifetime: item.lifetime,
      ...(item.error === undefined ? {} : { error: item.error }),
    };
  }

  #body(body: ItemView['body'], { type, role }: SpaceView): TimelineItem['body'] {
    switch (body.kind) {
      case 'text':
        return body;
      case 'notice':
        return { kind: 'notice', text: noticeText(body.notice, type, this.#name, role === 'ADMIN' || role === 'OWNER') };
      case 'unreadable':
        return { ...body, code: unreadableCode(body.reason) };
    }
  }

  readonly #name = (member: string, start: boolean): string => {
    if (member === this.#me?.id) return start ? 'You' : 'you';
    return this.person(member).displayName;
  };
}
