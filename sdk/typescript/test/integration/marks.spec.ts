/** How far everybody has read, who types and who is there: `tests/e2e/test_typescript_reading.py` starts the server. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../../src/engine/client';
import { allSent, browser, conversation, cuttable, forgetting, fragmentOf, PASSWORD, personIn, SETUP_TOKEN, signUp, texts, until } from './people';

/** A network that carries everything but marks, until it is told to. */
function withholdingMarks(): { fetch: typeof fetch; let: () => void; held: () => number } {
  let isHolding = true;
  let held = 0;
  const carry: typeof fetch = (input, init) => {
    if (!isHolding || typeof init?.body !== 'string' || !init.body.includes('mutation SetMarker(')) return fetch(input, init);
    held += 1;
    return Promise.reject(new TypeError('this one does not go through'));
  };
  return { fetch: carry, let: () => { isHolding = false; }, held: () => held };
}

/** A network that counts what is asked for. */
function counting(operation: string): { fetch: typeof fetch; asked: () => string[] } {
  const asked: string[] = [];
  const carry: typeof fetch = (input, init) => {
    if (typeof init?.body === 'string' && init.body.includes(`mutation ${operation}(`)) asked.push(init.body);
    return fetch(input, init);
  };
  return { fetch: carry, asked: () => asked };
}

describe('reading', () => {
  const clients: Client[] = [];
  const open = (name: string, faults?: Parameters<typeof browser>[1]) => {
    const client = browser(name, faults);
    clients.push(client);
    return client;
  };
  let ada: Client;
  let second: Client;
  let bob: Client;
  let talk: string;
  const marks = counting('SetMarker');

  afterAll(() => {
    for (const client of clients) client.stop();
  });

  const level = (client: Client) => until(() => client.store.getState().phase === 'ready' && !client.store.getState().syncing && client.store.getState().connection === 'online', 'level');
  const unread = (client: Client, id = talk) => conversation(client, id).unread;
  const newest = (client: Client) => conversation(client, talk).items.filter(({ mine }) => mine).at(-1)?.receipt;
  const say = async (client: Client, text: string, ...hearers: Client[]) => {
    await client.send(talk, text);
    await allSent(client, talk);
    for (const hearer of hearers) await until(() => texts(hearer, talk).includes(text), text);
  };
  const link = async (name: string, faults?: Parameters<typeof browser>[1]) => {
    const fresh = open(name, faults);
    await fresh.start();
    await fresh.signIn({ handle: 'ada', password: PASSWORD });
    const pending = await fresh.devices.offer();
    await ada.devices.answer(await ada.devices.read(pending.words.join(' ')));
    await pending.done;
    await level(fresh);
    return fresh;
  };
  const again = async (name: string, faults?: Parameters<typeof browser>[1]) => {
    const client = open(name, faults);
    await client.start();
    await client.unlock(PASSWORD);
    await level(client);
    return client;
  };

  beforeAll(async () => {
    ada = open('ada');
    await signUp(ada, SETUP_TOKEN, 'ada', 'Ada');
    bob = open('bob', { fetch: marks.fetch });
    await signUp(bob, fragmentOf((await ada.createInvite(24)).url), 'bob', 'Bob');
    const [found] = await ada.searchPeople('bob');
    talk = await ada.createConversation({ type: 'DIRECT', people: [found?.id ?? ''] });
    second = await link('second');
    await until(() => Boolean(bob.store.getState().conversations[talk]), 'the conversation');
  });

  it('counts what is unread, and one device that reads clears it on the others', async () => {
    for (const text of ['one', 'two', 'three']) await say(bob, text, ada, second);
    expect([unread(ada), unread(second), unread(bob)]).toEqual([3, 3, 0]);
    expect(conversation(ada, talk)).toMatchObject({ unreadIsMore: false, hasReceipts: true });
    await ada.openConversation(talk);
    expect(unread(ada)).toBe(3);
    const first = conversation(ada, talk).items.find(({ body }) => body.kind === 'text')?.key;
    await ada.markRead(talk);
    expect(conversation(ada, talk)).toMatchObject({ unread: 0, firstUnread: first });
    await until(() => unread(second) === 0, 'read on the other device');
    ada.closeConversation();
    await until(() => conversation(ada, talk).firstUnread === null, 'closed');
  });

  it('shows who has received and read the own messages', async () => {
    await until(() => newest(bob)?.read === 1, 'read');
    expect(newest(bob)).toEqual({ delivered: 1, read: 1, of: 1 });
    await say(bob, 'four', ada, second);
    await until(() => newest(bob)?.delivered === 1, 'delivered');
    expect(newest(bob)).toEqual({ delivered: 1, read: 0, of: 1 });
    expect(conversation(bob, talk).receipts.map(({ person }) => person.handle)).toEqual(['ada']);
  });

  it('keeps a mark that was not sent through a restart, and sends it then', async () => {
    second.stop();
    const network = withholdingMarks();
    const restarted = await again('second', { fetch: network.fetch });
    expect(unread(restarted)).toBe(1);
    await restarted.markRead(talk);
    await until(() => network.held() > 0, 'a mark that did not go through');
    expect([unread(restarted), unread(ada)]).toEqual([0, 1]);
    restarted.stop();
    second = await again('second');
    expect(unread(second)).toBe(0);
    await until(() => unread(ada) === 0, 'the mark');
    await until(() => newest(bob)?.read === 1, 'the receipt');
  });

  it('hears on return of what was read meanwhile', async () => {
    second.stop();
    await say(bob, 'five', ada);
    await ada.markRead(talk);
    await until(() => newest(bob)?.read === 1, 'read');
    second = await again('second');
    await until(() => texts(second, talk).includes('five') && unread(second) === 0, 'level with the marks');
  });

  it('takes all marks afresh where the server cannot go on from where it was', async () => {
    second.stop();
    await say(bob, 'six', ada);
    await ada.markRead(talk);
    await until(() => newest(bob)?.read === 1, 'read');
    second = await again('second', { webSocketImpl: forgetting() });
    await until(() => texts(second, talk).includes('six') && unread(second) === 0, 'level with the marks');
  });

  it('tells a new device how far was read', async () => {
    await say(bob, 'seven', ada);
    await say(ada, 'eight', bob);
    await bob.markRead(talk);
    await until(() => newest(ada)?.read === 1, 'read by Bob');
    const third = await link('third');
    await until(() => Boolean(third.store.getState().conversations[talk]) && texts(third, talk).includes('eight'), 'the conversation');
    expect(unread(third)).toBe(1);
    await until(() => newest(third)?.read === 1, 'the receipt of before');
    await third.markRead(talk);
    await until(() => unread(ada) === 0 && unread(second) === 0, 'read everywhere');
    third.stop();
  });

  it('two devices that read at once agree on the higher', async () => {
    await say(bob, 'nine', ada, second);
    await Promise.all([ada.markRead(talk), second.markRead(talk)]);
    await until(() => newest(bob)?.read === 1, 'read');
    await say(bob, 'ten', ada, second);
    await Promise.all([second.markRead(talk), ada.markRead(talk)]);
    await until(() => newest(bob)?.read === 1, 'read');
    expect([unread(ada), unread(second)]).toEqual([0, 0]);
  });

  it('tells nobody what was switched off', async () => {
    await ada.setPrivacy({ readReceipts: false });
    expect(ada.store.getState().privacy).toEqual({ presence: true, readReceipts: false, deliveryReceipts: true });
    // Another device of hers asks with its next connection.
    second.stop();
    second = await again('second');
    await until(() => second.store.getState().privacy?.readReceipts === false, 'the settings');
    await say(bob, 'eleven', ada, second);
    await ada.markRead(talk);
    await until(() => unread(second) === 0, 'read on the own devices');
    await until(() => newest(bob)?.delivered === 1, 'delivered');
    expect(newest(bob)).toEqual({ delivered: 1, read: 0, of: 1 });
    await ada.setPrivacy({ readReceipts: true });
    await until(() => newest(bob)?.read === 1, 'told again');
  });

  it('sends no receipts to a channel, and few anywhere', async () => {
    const person = personIn(ada, talk, 'bob');
    const channel = await ada.createConversation({ type: 'BROADCAST', people: [person], title: 'News' });
    await until(() => Boolean(bob.store.getState().conversations[channel]), 'the channel');
    await ada.send(channel, 'hear, hear');
    await until(() => texts(bob, channel).includes('hear, hear'), 'the news');
    expect(conversation(bob, channel)).toMatchObject({ unread: 1, hasReceipts: false });
    const before = marks.asked().length;
    await bob.markRead(channel);
    await until(() => marks.asked().length > before, 'the own mark');
    for (let index = 0; index < 12; index += 1) {
      await say(ada, `burst ${index}`, bob);
      await bob.markRead(talk);
    }
    await until(() => newest(ada)?.read === 1, 'read');
    const sent = marks.asked().slice(before).map((body) => (JSON.parse(body) as { variables: { input: { conversationId: string; scope: string } } }).variables.input);
    expect(sent.filter(({ conversationId, scope }) => conversationId === channel && scope === 'RECEIPT')).toEqual([]);
    expect(sent.filter(({ conversationId }) => conversationId === talk).length).toBeLessThan(24);
  });
});

describe('what passes', () => {
  const clients: Client[] = [];
  const open = (name: string, faults?: Parameters<typeof browser>[1]) => {
    const client = browser(name, faults);
    clients.push(client);
    return client;
  };
  const line = cuttable();
  let ada: Client;
  let bob: Client;
  let talk: string;

  afterAll(() => {
    for (const client of clients) client.stop();
  });

  beforeAll(async () => {
    const host = open('ada');
    await host.start();
    await host.unlock(PASSWORD);
    await until(() => host.store.getState().connection === 'online' && !host.store.getState().syncing, 'level');
    ada = open('cem', { webSocketImpl: line.webSocketImpl });
    await signUp(ada, fragmentOf((await host.createInvite(24)).url), 'cem', 'Cem');
    bob = open('dana');
    await signUp(bob, fragmentOf((await host.createInvite(24)).url), 'dana', 'Dana');
    const [found] = await ada.searchPeople('dana');
    talk = await ada.createConversation({ type: 'DIRECT', people: [found?.id ?? ''] });
    await until(() => Boolean(bob.store.getState().conversations[talk]), 'the conversation');
  });

  const typing = () => conversation(ada, talk).typing.map(({ displayName }) => displayName);
  const isShown = (state: string) => ada.store.getState().presence[personIn(ada, talk, 'dana')]?.state === state;

  it('shows who types until they stop, or have sent it', async () => {
    bob.setTyping(talk, true);
    await until(() => typing().includes('Dana'), 'typing');
    bob.setTyping(talk, false);
    await until(() => typing().length === 0, 'stopped');
    bob.setTyping(talk, true);
    await until(() => typing().includes('Dana'), 'typing');
    await bob.send(talk, 'here it is');
    await until(() => texts(ada, talk).includes('here it is'), 'the message');
    expect(typing()).toEqual([]);
  });

  it('shows who is there, hides whoever wants it, and begins anew after a reconnect', async () => {
    await ada.openConversation(talk);
    await until(() => isShown('ONLINE'), 'there');
    await bob.setPrivacy({ presence: false });
    await until(() => isShown('OFFLINE'), 'hidden');
    await bob.setPrivacy({ presence: true });
    await until(() => isShown('ONLINE'), 'shown again');
    line.cut();
    await bob.setPrivacy({ presence: false });
    await until(() => isShown('OFFLINE'), 'heard after the reconnect');
    await bob.setPrivacy({ presence: true });
    bob.setTyping(talk, true);
    await until(() => isShown('ONLINE') && typing().includes('Dana'), 'all that passes, after the reconnect');
  });
});
