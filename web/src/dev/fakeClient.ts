import { createStore } from 'zustand/vanilla';
import type { CircleClient, CircleState, ConversationState, InviteInfo, SessionInfo, SpaceRole, TimelineItem } from '../circle';
import { createFakeDevices, createFakeRecovery, type FakeDevices } from './fakeDevices';
import { createFakeLock } from './fakeLock';
import { firstUnreadKey } from './reading';
import { createFakePolicy, createFakeTrust } from './fakeTrust';
import { ada, bob, everyone } from './people';
import { DAY_MS, fullState, history, HOUR_MS, LIFETIME_MS } from './samples';
import { FakeError, type Scene, type World } from './scene';
import { FIRST_KEY } from './words';

export { FakeError, type Scene } from './scene';

/** The fake client, and what a test plays for the other side. */
export interface FakeClient extends CircleClient {
  readonly devices: FakeDevices;
}

/** A client without server, for component tests and the fixture page. Everything happens in memory. */
export function createFakeClient(scene: Scene = {}): FakeClient {
  const store = createStore<CircleState>()(() => ({ ...fullState(), ...scene.state }));
  const people = scene.people ?? everyone;
  let counter = 1000;
  let sessions = sampleSessions();
  let invites = scene.bare === true ? [] : sampleInvites();

  const pause = async () => {
    await new Promise((resolve) => setTimeout(resolve, scene.delay ?? 0));
    if (scene.failing === true) throw new FakeError('The server could not be reached. Check your connection and try again.', 'UNREACHABLE');
  };
  const patch = (id: string, change: (one: ConversationState) => Partial<ConversationState>) =>
    store.setState((state) => {
      const one = state.conversations[id];
      return one ? { conversations: { ...state.conversations, [id]: { ...one, ...change(one) } } } : state;
    });
  const append = (id: string, item: Partial<TimelineItem> & Pick<TimelineItem, 'body'>) => {
    counter += 1;
    const full: TimelineItem = { key: `new-${counter}`, seq: counter, time: Date.now(), sender: null, mine: false, state: 'sent', receipt: null, expiresAt: null, lifetime: 0, ...item };
    patch(id, (one) => ({ items: [...one.items, full], lastActivity: full.time }));
    store.setState((state) => ({ order: [id, ...state.order.filter((other) => other !== id)] }));
    return full.key;
  };
  const patchItem = (id: string, key: string, change: Partial<TimelineItem>) =>
    patch(id, (one) => ({ items: one.items.map((item) => (item.key === key ? { ...item, ...change } : item)) }));
  const nameOf = (id: string) => people.find((one) => one.id === id)?.displayName ?? 'Someone';
  const notice = (id: string, text: string) => void append(id, { body: { kind: 'notice', text } });
  const deliver = async (id: string, key: string) => {
    try {
      if (store.getState().connection === 'offline') return;
      await pause();
      patchItem(id, key, { state: 'sent', seq: (counter += 1) });
    } catch (error) {
      patchItem(id, key, { state: 'failed', error: error instanceof Error ? error.message : '' });
    }
  };

  const world: World = { scene, store, pause, patch, notice };

  return {
    store,
    devices: createFakeDevices(world),
    recovery: createFakeRecovery(world),
    trust: createFakeTrust(world),
    policy: createFakePolicy(world),
    locking: createFakeLock(world),
    dismissNotice: () => store.setState({ notice: null }),
    start: async () => undefined,
    stop: () => undefined,
    serverInfo: async () => ({ name: 'Circle', version: '0.1.0', hasOwner: scene.hasOwner ?? true }),
    previewInvite: async (fragment) => {
      await pause();
      if (fragment === 'used') throw new FakeError('This invitation has been used already. Ask for a new one.', 'INVITE_USED');
      return { inviter: scene.setUp === true ? null : ada, isSetUp: scene.setUp ?? false, expiresAt: Date.now() + 2 * DAY_MS };
    },
    prepareSignUp: async ({ handle }) => {
      await pause();
      if (handle === 'bob') throw new FakeError('This handle is taken. Please choose another.', 'HANDLE_TAKEN');
      return { words: FIRST_KEY };
    },
    completeSignUp: async () => {
      await pause();
      store.setState({ phase: 'ready', me: ada, conversations: {}, order: [] });
    },
    signIn: async ({ password }) => {
      await pause();
      if (password === 'wrong password') throw new FakeError('The handle or the password is not right.', 'WRONG_PASSWORD');
      store.setState({ phase: scene.newBrowser === true ? 'no-keys' : 'ready', me: ada });
    },
    unlock: async (password) => {
      await pause();
      if (password === 'wrong password') throw new FakeError('That is not the right password.', 'WRONG_PASSWORD');
      store.setState({ phase: 'ready', me: ada });
    },
    takeOver: async () => {
      await pause();
      store.setState({ phase: 'ready', me: ada });
    },
    lock: async () => store.setState({ phase: 'locked' }),
    signOut: async () => store.setState({ phase: 'signed-out', me: null }),
    knownAccount: async () => scene.known ?? null,
    searchPeople: async (text) => {
      await pause();
      const wanted = text.toLocaleLowerCase();
      return people.filter((one) => `${one.displayName} ${one.handle}`.toLocaleLowerCase().includes(wanted));
    },
    createConversation: async ({ type, people: ids, title, roles, lifetime = 0, history: reach = 'JOINING' }) => {
      await pause();
      const id = `conversation-${(counter += 1)}`;
      const fallback: SpaceRole = type === 'BROADCAST' ? 'READER' : type === 'DIRECT' ? 'OWNER' : 'WRITER';
      const chosen = people.filter((one) => ids.includes(one.id));
      const created: ConversationState = {
        id,
        protocolId: counter.toString(16).padStart(32, 'a'),
        type,
        title: title ?? chosen[0]?.displayName ?? 'Conversation',
        pictureUrl: null,
        role: 'OWNER',
        participants: [{ person: ada, role: 'OWNER', changed: false }, ...chosen.map((person) => ({ person, role: roles?.[person.id] ?? fallback, changed: false }))],
        items: [],
        hasOlder: false,
        loadingOlder: false,
        lastActivity: Date.now(),
        unread: 0,
        unreadIsMore: false,
        firstUnread: null,
        typing: [],
        receipts: [],
        hasReceipts: type !== 'BROADCAST',
        lifetime,
        history: reach,
        alarm: null,
      };
      store.setState((state) => ({ conversations: { ...state.conversations, [id]: created }, order: [id, ...state.order] }));
      return id;
    },
    openConversation: async (id) => patch(id, (one) => ({ firstUnread: firstUnreadKey(one.items, one.unread) })),
    closeConversation: () => undefined,
    markRead: async (id) => patch(id, () => ({ unread: 0 })),
    setTyping: () => undefined,
    setPrivacy: async (change) => {
      await pause();
      store.setState(({ privacy }) => ({ privacy: privacy && { ...privacy, ...change } }));
    },
    loadOlder: async (id) => {
      patch(id, () => ({ loadingOlder: true }));
      await new Promise((resolve) => setTimeout(resolve, scene.delay ?? 0));
      patch(id, (one) => {
        const first = one.items[0];
        const older = history(first?.time ?? Date.now(), 60).map((item) => ({ ...item, key: `${item.key}-${(counter += 1)}` }));
        return { items: [...older, ...one.items], loadingOlder: false, hasOlder: one.items.length < 700 };
      });
    },
    send: async (id, text, options) => {
      const { me, conversations } = store.getState();
      const lifetime = options?.lifetime ?? conversations[id]?.lifetime ?? 0;
      const expiresAt = lifetime === 0 ? null : Date.now() + LIFETIME_MS[lifetime];
      const key = append(id, { seq: null, sender: me, mine: true, body: { kind: 'text', text }, state: 'sending', lifetime, expiresAt });
      void deliver(id, key);
    },
    retry: async (id, key) => {
      patchItem(id, key, { state: 'sending' });
      void deliver(id, key);
    },
    discard: async (id, key) => patch(id, (one) => ({ items: one.items.filter((item) => item.key !== key) })),
    setTitle: async (id, title, picture) => {
      await pause();
      patch(id, (one) => ({ title, pictureUrl: picture === undefined ? one.pictureUrl : picture === null ? null : URL.createObjectURL(picture) }));
      notice(id, 'You changed the title');
    },
    addPeople: async (id, ids, role = 'WRITER') => {
      await pause();
      patch(id, (one) => ({ participants: [...one.participants, ...people.filter((person) => ids.includes(person.id)).map((person) => ({ person, role, changed: false }))] }));
      notice(id, `You added ${ids.map(nameOf).join(', ')}`);
    },
    removePerson: async (id, person) => {
      await pause();
      patch(id, (one) => ({ participants: one.participants.filter((other) => other.person.id !== person) }));
      notice(id, `You removed ${nameOf(person)}`);
    },
    changeRole: async (id, person, role) => {
      await pause();
      patch(id, (one) => ({ participants: one.participants.map((other) => (other.person.id === person ? { ...other, role } : other)) }));
    },
    leave: async (id) => {
      await pause();
      patch(id, () => ({ role: null }));
    },
    createInvite: async (hours) => {
      await pause();
      const expiresAt = Date.now() + hours * HOUR_MS;
      invites = [{ id: `invite-${(counter += 1)}`, role: 'MEMBER', createdAt: Date.now(), expiresAt, usedBy: null, status: 'open', verified: null }, ...invites];
      return { url: `${location.origin}/join#bm90LWEtcmVhbC1pbnZpdGF0aW9uLWp1c3QtYS1zYW1wbGUtZm9yLXRoZS1maXh0dXJlcw`, expiresAt };
    },
    listInvites: async () => {
      await pause();
      return invites;
    },
    revokeInvite: async (id) => {
      await pause();
      invites = invites.map((one) => (one.id === id ? { ...one, status: 'revoked' } : one));
    },
    listSessions: async () => {
      await pause();
      return sessions;
    },
    revokeSession: async (id) => {
      await pause();
      sessions = sessions.filter((one) => one.id !== id);
    },
  };
}

function sampleSessions(): SessionInfo[] {
  const now = Date.now();
  return [
    { id: 'session-1', label: 'Chromium on Linux', deviceName: 'Chromium on Linux', createdAt: now - 12 * DAY_MS, lastSeenAt: now, isCurrent: true },
    { id: 'session-2', label: 'Safari on iPhone', deviceName: null, createdAt: now - 3 * DAY_MS, lastSeenAt: now - 5 * HOUR_MS, isCurrent: false },
    { id: 'session-3', label: 'circle-client (Python)', deviceName: 'Echo bot', createdAt: now - 30 * DAY_MS, lastSeenAt: now - 2 * DAY_MS, isCurrent: false },
  ];
}

function sampleInvites(): InviteInfo[] {
  const now = Date.now();
  return [
    { id: 'invite-1', role: 'MEMBER', createdAt: now - 2 * HOUR_MS, expiresAt: now + 46 * HOUR_MS, usedBy: null, status: 'open', verified: null },
    { id: 'invite-2', role: 'MEMBER', createdAt: now - 9 * DAY_MS, expiresAt: now - 7 * DAY_MS, usedBy: bob, status: 'used', verified: true },
    { id: 'invite-3', role: 'MEMBER', createdAt: now - 20 * DAY_MS, expiresAt: now - 13 * DAY_MS, usedBy: null, status: 'expired', verified: null },
  ];
}
