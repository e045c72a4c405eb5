/** What a rotation carries and what newcomers are given: `tests/e2e/test_typescript_history.py` starts the server. */
import { afterAll, describe, expect, it } from 'vitest';
import type { Client } from '../../src/engine/client';
import { browser, conversation, fragmentOf, PASSWORD, SETUP_TOKEN, signUp, texts, until } from './people';

describe('history', () => {
  const clients: Client[] = [];
  const open = (name: string, faults?: Parameters<typeof browser>[1]) => {
    const client = browser(name, faults);
    clients.push(client);
    return client;
  };
  let ada: Client;
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
    await client.openConversation(id);
    await until(() => JSON.stringify(texts(client, id)) === JSON.stringify(wanted), wanted.join());
    expect(conversation(client, id).alarm).toBeNull();
  };

  it('that is granted just before a rotation outlives the old key', async () => {
    ada = open('ada', { fetch: held((body) => beforeAda(body)) });
    await signUp(ada, SETUP_TOKEN, 'ada', 'Ada');
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
});
