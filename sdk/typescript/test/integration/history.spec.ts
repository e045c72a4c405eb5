/** What a rotation carries and what newcomers are given: `tests/e2e/test_typescript_history.py` starts the server. */
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { Client } from '../../src/engine/client';
import { allSent, browser, conversation, fragmentOf, PASSWORD, SETUP_TOKEN, signUp, texts, until } from './people';

describe('history', () => {
  const clients: Client[] = [];
  const open = (name: string, faults?: Parameters<typeof browser>[1]) => {
    const client = browser(name, faults);
    clients.push(client);
    return client;
  };
  let ada: Client;
  let adaWords: string[];
  let bob: Client;
  /** Called before a request of this client goes out. */
  let beforeAda: (body: string) => Promise<void> = () => Promise.resolve();
  let beforeCem: (body: string) => Promise<void> = () => Promise.resolve();

  afterAll(() => {
    for (const client of clients) client.stop();
  });

  const held = (before: (body: string) => Promise<void>): typeof fetch => async (input, init) => {
    await before(typeof init?.body === 'string' ? init.body : '');
    return fetch(input, init);
  };
  const join = async (handle: string, faults?: Parameters<typeof browser>[1]) => {
    const client = open(handle, faults);
    const words = await signUp(client, fragmentOf((await ada.createInvite(24)).url), handle, handle);
    return { client, words };
  };
  const idOf = async (handle: string) => (await ada.searchPeople(handle))[0]?.id ?? '';
  const ready = (client: Client) => until(() => client.store.getState().phase === 'ready' && !client.store.getState().syncing, 'ready');
  const recovered = async (handle: string, name: string, words: string[]) => {
    const client = open(name);
    await client.start();
    await client.signIn({ handle, password: PASSWORD });
    await client.recovery.recover(words);
    await ready(client);
    return client;
  };
  const reads = async (client: Client, id: string, wanted: string[]) => {
    await until(() => client.store.getState().conversations[id] !== undefined, 'the conversation');
    await until(async () => {
      await client.openConversation(id);
      while (conversation(client, id).hasOlder) await client.loadOlder(id);
      return JSON.stringify(texts(client, id)) === JSON.stringify(wanted);
    }, wanted.join());
    expect(conversation(client, id).alarm).toBeNull();
  };

  it('that is granted just before a rotation outlives the old key', async () => {
    ada = open('ada', { fetch: held((body) => beforeAda(body)) });
    adaWords = await signUp(ada, SETUP_TOKEN, 'ada', 'Ada');
    const { client: cem, words } = await join('cem', { fetch: held((body) => beforeCem(body)) });
    const id = await ada.createConversation({ type: 'GROUP', people: [], title: 'Tea', history: 'SHARED' });
    await ada.send(id, 'before');
    await until(() => texts(ada, id).length === 1, 'the message');

    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => { release = resolve; });
    beforeAda = (body) => (body.includes('mutation GrantEpochs(') ? released : Promise.resolve());
    const added = ada.addPeople(id, [await idOf('cem')]);
    await until(() => cem.store.getState().conversations[id] !== undefined, 'the newcomer is in');
    let rotations = 0;
    beforeCem = async (body) => {
      if (!body.includes('mutation RotateMemberKey(')) return;
      rotations += 1;
      if (rotations > 1) return;
      release();
      await added;
    };
    const renewed = await cem.recovery.renew();
    await cem.recovery.confirm(renewed);
    expect(rotations).toBeGreaterThan(1);
    await reads(cem, id, ['before']);
    await reads(await recovered('cem', 'cem-2', renewed.words), id, ['before']);
    expect(words).not.toEqual(renewed.words);
  });

  /** Ada adds somebody where history is shared, and is cut off before she gives them the keys; Bob goes on. */
  const cutOff = async (handle: string) => {
    const { client } = await join(handle);
    beforeAda = () => Promise.resolve();
    const id = await ada.createConversation({ type: 'GROUP', people: [await idOf('bob')], title: handle, history: 'SHARED' });
    await ada.send(id, 'before');
    await until(() => texts(bob, id).length === 1, 'the message');
    beforeAda = (body) => (body.includes('mutation GrantEpochs(') ? Promise.reject(new TypeError('no network')) : Promise.resolve());
    await ada.addPeople(id, [await idOf(handle)]);
    await bob.send(id, 'welcome');
    await allSent(bob, id);
    await until(() => texts(client, id).includes('welcome'), 'the welcome');
    expect(texts(client, id)).not.toContain('before');
    ada.stop();
    return { client, id };
  };

  it('is given by who was cut off, once they are back', async () => {
    ({ client: bob } = await join('bob'));
    const { client: dan, id } = await cutOff('dan');
    beforeAda = () => Promise.resolve();
    ada = open('ada', { fetch: held((body) => beforeAda(body)) });
    await ada.start();
    await ada.unlock(PASSWORD);
    await ready(ada);
    await reads(dan, id, ['before', 'welcome']);
    await until(() => conversation(dan, id).title === 'dan', 'the title');
  });

  it('is given by another device, where the first never comes back', async () => {
    const { client: eve, id } = await cutOff('eve');
    ada = await recovered('ada', 'ada-2', adaWords);
    await reads(ada, id, ['before', 'welcome']);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 660_000 });
    try {
      await ada.openConversation(id);
      await reads(eve, id, ['before', 'welcome']);
    } finally {
      vi.useRealTimers();
    }
  });

  it.each(['SHARED', 'JOINING'] as const)('is read again by who began anew, as the policy says: %s', async (history) => {
    const handle = `lost-${history.toLowerCase()}`;
    await join(handle);
    const person = await idOf(handle);
    const id = await ada.createConversation({ type: 'GROUP', people: [person], title: 'Tea', history });
    await ada.send(id, 'before');
    await allSent(ada, id);
    const fresh = open(`${handle}-2`);
    await fresh.start();
    await fresh.signIn({ handle, password: PASSWORD });
    await fresh.recovery.confirmReset(await fresh.recovery.reset(PASSWORD));
    await ready(fresh);
    await until(() => conversation(ada, id).participants.some(({ changed }) => changed), 'the notice of the change');
    await ada.send(id, 'while they are out');
    await allSent(ada, id);
    await ada.trust.readmit(id, person);
    await ada.send(id, 'after');
    const all = ['before', 'while they are out', 'after'];
    await reads(fresh, id, history === 'SHARED' ? all : ['after']);
    await until(() => conversation(fresh, id).title === 'Tea', 'the title');
  });
});
