/** The client's phases and the state that is shown, against a server that answers from a script. */
import 'fake-indexeddb/auto';
import { describe, expect, it } from 'vitest';
import { toBase64 } from '../../src/bytes';
import type { ItemView } from '../../src/crypto';
import { shrinkPicture } from '../../src/engine/pictures';
import { createCircleClient } from '../../src/index';
import { Board } from '../../src/state/board';
import { createCircleStore } from '../../src/state/store';
import { personOf, viewOf } from './views';

type Answers = Record<string, (variables: Record<string, unknown>) => unknown>;

function client(name: string, answers: Answers) {
  const fake: typeof fetch = (_input, init) => {
    const { query, variables } = JSON.parse(init?.body as string) as { query: string; variables: Record<string, unknown> };
    const operation = /(?:query|mutation) (\w+)/.exec(query)?.[1] ?? '';
    const answer = answers[operation];
    if (!answer) return Promise.reject(new TypeError(`no answer to ${operation}`));
    return Promise.resolve(new Response(JSON.stringify({ data: answer(variables) })));
  };
  return createCircleClient({ origin: 'http://circle.test', databaseName: name, fetch: fake, tabStorage: null });
}

const salt = toBase64(new Uint8Array(16));
const PARAMETERS: Answers = {
  PasswordParameters: () => ({ passwordParameters: { salt, memoryKib: 65536, iterations: 3, lanes: 1 } }),
  PreviewInvite: () => ({ invite: { role: 'OWNER', expiresAt: '2030-01-01T00:00:00Z', inviter: null } }),
};
const fragment = 'AAAAAAAAAAAAAAAAAAAAAA';

describe('a client', () => {
  it('starts signed out where nothing is known', async () => {
    const one = client('nothing', { Viewer: () => ({ viewer: null }) });
    expect(one.store.getState().phase).toBe('starting');
    await one.start();
    expect(one.store.getState().phase).toBe('signed-out');
    expect(await one.knownAccount()).toBeNull();
  });

  it('says in plain words what is wrong with a sign-up before anything is sent', async () => {
    const one = client('sign-up', PARAMETERS);
    const input = { fragment, handle: 'ada', displayName: 'Ada', password: 'long enough it is', deviceName: 'test' };
    await expect(one.prepareSignUp({ ...input, handle: 'A B' })).rejects.toMatchObject({ code: 'HANDLE_INVALID' });
    await expect(one.prepareSignUp({ ...input, displayName: ' ' })).rejects.toMatchObject({ code: 'INVALID' });
    await expect(one.prepareSignUp({ ...input, password: 'short' })).rejects.toMatchObject({ code: 'PASSWORD_SHORT' });
    await expect(one.prepareSignUp({ ...input, fragment: 'AAAA' })).rejects.toMatchObject({ code: 'BAD_INVITE' });
    const weak = client('weak', { ...PARAMETERS, PasswordParameters: () => ({ passwordParameters: { salt, memoryKib: 8, iterations: 1, lanes: 1 } }) });
    await expect(weak.prepareSignUp(input)).rejects.toMatchObject({ code: 'WEAK_PARAMETERS' });
    await expect(one.completeSignUp({ words: [] })).rejects.toMatchObject({ code: 'INVALID' });
  });

  it('shows the server neither the password nor a key, and forgets what the server refused', async () => {
    const sent: string[] = [];
    const one = client('refused', {
      ...PARAMETERS,
      Viewer: () => ({ viewer: null }),
      SignUp: (variables) => {
        sent.push(JSON.stringify(variables));
        return { signUp: { viewer: null, token: null, errors: [{ __typename: 'InputError', message: 'This handle is taken.', path: ['input', 'handle'], code: 'HANDLE_TAKEN' }] } };
      },
      SignIn: () => ({ signIn: { viewer: null, token: null, errors: [{ __typename: 'InputError', message: 'Wrong.', path: [], code: 'WRONG_PASSWORD' }] } }),
    });
    const pending = await one.prepareSignUp({ fragment, handle: 'ada', displayName: 'Ada', password: 'long enough it is', deviceName: 'test' });
    expect(pending.words).toHaveLength(24);
    await expect(one.completeSignUp(pending)).rejects.toMatchObject({ code: 'HANDLE_TAKEN', message: 'This handle is taken.' });
    expect(sent[0]).not.toContain('long enough it is');
    expect(sent[0]).not.toContain(pending.words.slice(0, 3).join(' '));
    expect(await one.knownAccount()).toBeNull();
  });

  it('leads to no keys where another device holds them', async () => {
    const member = { id: 'm', protocolId: toBase64(new Uint8Array(16)), handle: 'ada', displayName: 'Ada', role: 'MEMBER' };
    const viewer = { member, session: { id: 's', device: null }, account: { id: 'a', protocolId: member.protocolId, head: 1, headHash: salt } };
    const one = client('no-keys', { ...PARAMETERS, SignIn: () => ({ signIn: { viewer, token: null, errors: [] } }) });
    await one.signIn({ handle: ' Ada ', password: 'long enough it is' });
    expect(one.store.getState()).toMatchObject({ phase: 'no-keys', me: { handle: 'ada' } });
    await expect(one.createInvite(24)).rejects.toMatchObject({ code: 'LOCKED' });
    await expect(one.createInvite(0)).rejects.toMatchObject({ code: 'INVALID' });
    await expect(one.send('nowhere', 'hello')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('takes pictures that are small enough, and nothing else', async () => {
    const picture = new Blob([new Uint8Array(100)], { type: 'image/png' });
    expect(await shrinkPicture(picture)).toMatchObject({ mediaType: 'image/png' });
    await expect(shrinkPicture(new Blob(['<svg/>'], { type: 'image/svg+xml' }))).rejects.toMatchObject({ code: 'PICTURE_UNKNOWN' });
    await expect(shrinkPicture(new Blob([new Uint8Array(70_000)], { type: 'image/png' }))).rejects.toMatchObject({ code: 'PICTURE_TOO_LARGE' });
  });
});

describe('what is shown', () => {
  const item = (key: string, seq: number | null, time: number, changes: Partial<ItemView> = {}): ItemView => ({
    key, seq, time, sender: 'b', body: { kind: 'text', text: key }, state: seq === null ? 'sending' : 'sent', lifetime: 0, expiresAt: null, ...changes,
  });

  function board() {
    const store = createCircleStore();
    const one = new Board(store);
    one.meet([personOf('a', 'Ada'), personOf('b', 'Bob')]);
    one.setMe(personOf('a', 'Ada'));
    return { store, board: one };
  }

  it('puts accepted items in the order of the log, and waiting ones after them', () => {
    const { store, board: one } = board();
    one.apply([{ view: viewOf(), items: [item('wait 2', null, 9), item('third', 3, 1), item('wait 1', null, 8), item('first', 1, 99)], gone: [] }]);
    expect(store.getState().conversations['n1']?.items.map(({ key }) => key)).toEqual(['first', 'third', 'wait 1', 'wait 2']);
    one.apply([{ view: viewOf(), items: [item('wait 1', 4, 8)], gone: ['wait 2'] }]);
    expect(store.getState().conversations['n1']?.items.map(({ key, state }) => [key, state])).toEqual([['first', 'sent'], ['third', 'sent'], ['wait 1', 'sent']]);
  });

  it('names people in notices, oneself as you, and strangers when they become known', () => {
    const { store, board: one } = board();
    const notices: ItemView['body'][] = [
      { kind: 'notice', notice: { what: 'created', by: 'a' } },
      { kind: 'notice', notice: { what: 'added', by: 'b', member: 'a' } },
      { kind: 'notice', notice: { what: 'removed', by: 'a', member: 'c' } },
      { kind: 'notice', notice: { what: 'role', by: 'a', member: 'b', role: 'ADMIN' } },
      { kind: 'notice', notice: { what: 'left', by: 'b' } },
      { kind: 'notice', notice: { what: 'title', by: 'b', title: 'Tea' } },
    ];
    one.apply([{ view: viewOf(), items: notices.map((body, index) => item(`seq:${index + 1}`, index + 1, 1, { body })), gone: [] }]);
    const read = () => store.getState().conversations['n1']?.items.map(({ body }) => ('text' in body ? body.text : ''));
    expect(read()).toEqual(['You made this group', 'Bob added you', 'You removed Someone', 'You made Bob an admin', 'Bob left', 'Bob changed the title to “Tea”']);
    one.meet([personOf('c', 'Cem')]);
    expect(read()?.[2]).toBe('You removed Cem');
  });

  it('titles direct conversations by the other person, and sorts by activity', () => {
    const { store, board: one } = board();
    one.apply([
      { view: viewOf({ title: 'Tea' }), items: [], gone: [] },
      { view: viewOf({ space: 's2', node: 'n2', type: 'DIRECT', lastActivity: 20 }), items: [], gone: [] },
      { view: viewOf({ space: 's3', node: 'n3', type: 'BROADCAST', lastActivity: 5 }), items: [], gone: [] },
    ]);
    const { conversations, order } = store.getState();
    expect(order.map((id) => conversations[id]?.title)).toEqual(['Bob', 'Tea', 'Untitled channel']);
    one.clear('locked');
    expect(store.getState()).toMatchObject({ phase: 'locked', me: null, conversations: {}, order: [] });
  });

  it('shows how far others are with own messages, and where there are no receipts nothing', () => {
    const { store, board: one } = board();
    const mine = (key: string, seq: number | null) => item(key, seq, 1, { sender: 'a' });
    const roster = [...viewOf().roster, { member: 'c', role: 'WRITER' as const, changed: false }];
    const receipts = [{ member: 'b', delivered: 5, read: 3 }, { member: 'c', delivered: 4, read: 0 }];
    one.apply([{ view: viewOf({ roster, receipts }), items: [mine('m3', 3), item('b4', 4, 1), mine('m5', 5), mine('m6', null)], gone: [] }]);
    const shown = () => store.getState().conversations['n1'];
    expect(shown()?.items.map(({ receipt }) => receipt)).toEqual([{ delivered: 2, read: 1, of: 2 }, null, { delivered: 1, read: 0, of: 2 }, null]);
    expect(shown()?.receipts.map(({ person, delivered, read }) => [person.displayName, delivered, read])).toEqual([['Bob', 5, 3], ['Someone', 4, 0]]);
    one.apply([{ view: viewOf({ roster, receipts, type: 'BROADCAST' }), items: [], gone: [] }]);
    expect([shown()?.hasReceipts, shown()?.items[0]?.receipt]).toEqual([false, null]);
  });

  it('keeps in sight where unread began for as long as a conversation is open', () => {
    const { store, board: one } = board();
    const shown = () => store.getState().conversations['n1'];
    one.apply([{ view: viewOf({ unread: 2, firstUnread: 4, isMoreUnread: true }), items: [item('b3', 3, 1), item('b4', 4, 1), item('b5', 5, 1)], gone: [] }]);
    expect(shown()).toMatchObject({ unread: 2, unreadIsMore: true, firstUnread: 'b4' });
    one.setOpen('n1');
    one.apply([{ view: viewOf({ read: 5 }), items: [], gone: [] }]);
    expect(shown()).toMatchObject({ unread: 0, unreadIsMore: false, firstUnread: 'b4' });
    one.setOpen(null);
    expect(shown()?.firstUnread).toBeNull();
  });
});
