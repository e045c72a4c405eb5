/** Several devices of one member, all on the TypeScript SDK: `tests/e2e/test_typescript_devices.py` starts the server. */
import { afterAll, describe, expect, it } from 'vitest';
import type { Client } from '../../src/engine/client';
import { allSent, browser, conversation, fragmentOf, PASSWORD, SETUP_TOKEN, signUp, texts, unreadable, until } from './people';

describe('devices of one member', () => {
  const clients: Client[] = [];
  const open = (name: string, faults?: Parameters<typeof browser>[1]) => {
    const client = browser(name, faults);
    clients.push(client);
    return client;
  };
  let ada: Client;
  let bob: Client;
  let adaWords: string[];
  let talk: string;

  afterAll(() => {
    for (const client of clients) client.stop();
  });

  const join = async (handle: string, name: string) => {
    const client = open(handle);
    const words = await signUp(client, fragmentOf((await ada.createInvite(24)).url), handle, name);
    return { client, words };
  };
  /** A browser that is signed in as this person and holds no keys. */
  const guest = async (handle: string, name: string, faults?: Parameters<typeof browser>[1]) => {
    const client = open(name, faults);
    await client.start();
    await client.signIn({ handle, password: PASSWORD });
    expect(client.store.getState().phase).toBe('no-keys');
    return client;
  };
  const ready = (client: Client) => until(() => client.store.getState().phase === 'ready' && !client.store.getState().syncing, 'ready');
  const link = async (old: Client, handle: string, name: string, how: 'words' | 'qr' = 'words') => {
    const fresh = await guest(handle, name);
    const pending = await fresh.devices.offer();
    const request = await old.devices.read(how === 'qr' ? pending.qr : `  ${pending.words.join('   ').toUpperCase()} `);
    await old.devices.answer(request);
    await pending.done;
    await ready(fresh);
    return fresh;
  };
  const all = async (client: Client, id: string) => {
    await client.openConversation(id);
    for (let page = 0; page < 50 && conversation(client, id).hasOlder; page += 1) await client.loadOlder(id);
    return texts(client, id);
  };

  it('link by words, read everything, and both write', async () => {
    ada = open('ada');
    adaWords = await signUp(ada, SETUP_TOKEN, 'ada', 'Ada');
    expect(adaWords).toHaveLength(24);
    ({ client: bob } = await join('bob', 'Bob'));
    const [found] = await ada.searchPeople('bob');
    talk = await ada.createConversation({ type: 'GROUP', people: [found?.id ?? ''], title: 'Tea' });
    await ada.send(talk, 'one');
    await until(() => texts(bob, talk).includes('one'), 'the first message');
    await bob.send(talk, 'two');
    await until(() => texts(ada, talk).includes('two'), 'the answer');

    const second = await link(ada, 'ada', 'ada-2');
    await until(() => texts(second, talk).length === 2, 'the history');
    expect(conversation(second, talk).title).toBe('Tea');
    expect(texts(second, talk)).toEqual(['one', 'two']);
    await second.send(talk, 'three');
    await until(() => texts(ada, talk).includes('three') && texts(bob, talk).includes('three'), 'the message of the second');
    await ada.send(talk, 'four');
    await bob.send(talk, 'five');
    for (const client of [ada, bob, second]) await until(() => texts(client, talk).length === 5, 'all five');
    for (const client of [ada, bob, second]) {
      expect((await all(client, talk)).toSorted()).toEqual(['five', 'four', 'one', 'three', 'two']);
      expect(conversation(client, talk).alarm).toBeNull();
      expect(unreadable(client, talk)).toEqual([]);
    }
    await allSent(second, talk);
  });
});
