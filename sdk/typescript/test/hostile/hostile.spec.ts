/**
 * A server that lies to one member: what the client notices, says and refuses. `tests/e2e/test_typescript_hostile.py`
 * starts the server and the man in the middle before it; `tests/support/attacks.py` holds the attacks by name.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { ALARMS, REASONS } from '../../src/crypto/machine/reasons';
import { Client } from '../../src/engine/client';
import { browser, conversation, fragmentOf, PASSWORD, personIn, SETUP_TOKEN, signUp, texts, until } from '../integration/people';

const HOSTILE = process.env['CIRCLE_HOSTILE_ORIGIN'] ?? '';

/** From now on the server does this to Bob; nothing: it tells the truth. */
async function arm(attack?: string, options: Record<string, unknown> = {}, cut = false): Promise<void> {
  const order = attack === undefined ? {} : { attack, with: options, cut };
  const answer = await fetch(`${HOSTILE}/hostile`, { method: 'POST', body: JSON.stringify(order) });
  expect(answer.status).toBe(200);
}

describe('a hostile server', () => {
  let ada: Client;
  let bob: Client;
  let group: string;
  const clients: Client[] = [];

  const victim = (name: string) => {
    const client = new Client({ origin: HOSTILE, session: 'BEARER', databaseName: `circle-${name}`, webSocketImpl: WebSocket, tabStorage: null });
    clients.push(client);
    return client;
  };
  const join = async (client: Client, handle: string, name: string) => {
    clients.push(client);
    await signUp(client, fragmentOf((await ada.createInvite(24)).url), handle, name);
  };
  const idOf = async (handle: string) => (await ada.searchPeople(handle))[0]?.id ?? '';
  const says = async (...sayings: string[]) => {
    for (const text of sayings) {
      await ada.send(group, text);
      await until(() => conversation(ada, group).items.every(({ state }) => state === 'sent'), 'what Ada says');
    }
  };
  const alarm = () => conversation(bob, group).alarm;
  const reasons = () => conversation(bob, group).items.flatMap(({ body }) => (body.kind === 'unreadable' ? [body.reason] : []));
  /** A group of Ada and Bob in which he has read "before". */
  const meet = async (...others: string[]) => {
    const people = await Promise.all(['bob', ...others].map(idOf));
    group = await ada.createConversation({ type: 'GROUP', people, title: 'Tea' });
    await says('before');
    await until(() => texts(bob, group).includes('before'), 'the group at Bob');
    await bob.openConversation(group);
  };
  /** Bob's alarm says this, and nothing that he says leaves him. */
  const alarmed = async (...words: string[]) => {
    await until(() => alarm() !== null, 'the alarm');
    expect(words.some((text) => alarm()?.endsWith(text)), alarm() ?? '').toBe(true);
    await bob.send(group, 'nobody hears this').catch(() => undefined);
    await arm();
    await says('after');
    expect(texts(ada, group)).not.toContain('nobody hears this');
  };

  beforeAll(async () => {
    ada = browser('ada');
    clients.push(ada);
    await signUp(ada, SETUP_TOKEN, 'ada', 'Ada');
    bob = victim('bob');
    await join(bob, 'bob', 'Bob');
  });
  afterEach(() => arm());
  afterAll(() => {
    for (const client of clients) client.stop();
  });

  it.each([[0, 'header'], [1, 'syn'], [2, 'ciphertext']])('changes part %i of a message (%s)', async (part) => {
    await meet();
    await arm('Tamper', { part });
    await says('pay 10');
    await until(() => reasons().length === 1);
    expect(reasons()).toEqual([REASONS.changed]);
    expect(texts(bob, group)).not.toContain('pay 10');
  });

  it('changes a message and makes the log fit', async () => {
    await meet();
    await arm('Tamper', { part: 2, own_log: true });
    await says('pay 10');
    await until(() => reasons().length === 1);
    expect(reasons()).toEqual([REASONS.stranger]);
    await says('next', 'and next');
    await alarmed(ALARMS.fork);
  });

  it('shows a message twice', async () => {
    await meet();
    await arm('Replay');
    await says('once');
    await until(() => reasons().length === 1);
    expect(reasons()).toEqual([REASONS.twice]);
    expect(texts(bob, group)).toEqual(['before', 'once']);
  });

  it('drops a message from a log of its own', async () => {
    await meet();
    await arm('Drop', { own_log: true });
    await says('meet at ten', 'bring cake', 'and tea');
    await alarmed(ALARMS.fork);
    expect(texts(bob, group)).not.toContain('meet at ten');
  });

  it('shows messages in another order', async () => {
    await meet();
    await arm('Reorder');
    await says('no', 'yes', 'maybe');
    await alarmed(ALARMS.fork);
  });

  it('gives a hash that does not follow', async () => {
    await meet();
    await arm('WrongHash');
    await says('one');
    await alarmed(ALARMS.fork);
  });

  it('adds a ghost to the roster', async () => {
    await meet();
    await arm('Ghost');
    await says('secret');
    await alarmed(ALARMS.roster, ALARMS.fork);
    expect(conversation(bob, group).participants.map(({ person }) => person.handle).sort()).toEqual(['ada', 'bob']);
  });

  it('withholds a removal', async () => {
    const cem = browser('cem');
    await join(cem, 'cem', 'Cem');
    await meet('cem');
    await arm('Drop', { what: 'RosterEvent', own_log: true });
    await ada.removePerson(group, personIn(ada, group, 'cem'));
    await says('without Cem');
    await until(() => alarm() !== null, 'the alarm');
    expect(texts(bob, group)).not.toContain('without Cem');
  });

  it('rolls an epoch back', async () => {
    await meet();
    await ada.changeRole(group, personIn(ada, group, 'bob'), 'ADMIN');
    await says('under new keys');
    await until(() => texts(bob, group).includes('under new keys'));
    await arm('RollBack');
    await says('more');
    await until(() => alarm() !== null, 'the alarm');
  });

  it('announces an epoch of its own', async () => {
    await meet();
    await arm('ForgedEpoch');
    await ada.changeRole(group, personIn(ada, group, 'bob'), 'ADMIN');
    await alarmed(ALARMS.unverified, ALARMS.fork);
  });

  it.each(['GhostRecipient', 'SwapSeal'])('hands out %s', async (attack) => {
    await meet();
    await arm(attack);
    await ada.changeRole(group, personIn(ada, group, 'bob'), 'ADMIN');
    await says('sealed');
    await alarmed(ALARMS.seal);
    expect(texts(bob, group)).not.toContain('sealed');
  });

  it('forgets what it showed', async () => {
    await meet();
    await says('one', 'two', 'three');
    await until(() => texts(bob, group).length === 4);
    await arm('Truncate', {}, true);
    await alarmed(ALARMS.older);
    expect(texts(bob, group).slice(0, 4)).toEqual(['before', 'one', 'two', 'three']);
  });

  it('takes an own message and never shows it', async () => {
    await meet();
    await arm('Drop', { own_log: true });
    await bob.send(group, 'mine');
    await until(() => texts(ada, group).includes('mine'), 'the message at Ada');
    await says('answer', 'more');
    await alarmed(ALARMS.moved, ALARMS.fork);
  });

  it('answers garbage', async () => {
    await meet();
    await arm('Garbage');
    await says('hello');
    await until(() => reasons().length === 1);
    expect(texts(bob, group)).toEqual(['before']);
    await ada.changeRole(group, personIn(ada, group, 'bob'), 'ADMIN');
    await until(() => alarm() !== null, 'the alarm');
  });

  it('forks the roster of a conversation that is new here', async () => {
    group = await ada.createConversation({ type: 'GROUP', people: [], title: 'Hall' });
    await arm('ForkRoster');
    await ada.addPeople(group, [await idOf('bob')]);
    await says('welcome');
    await until(() => group in bob.store.getState().conversations && alarm() !== null, 'the alarm');
    expect(alarm()).toBe(ALARMS.unverified);
    expect(texts(bob, group)).not.toContain('welcome');
  });

  it('asks for a cheap password hash', async () => {
    const weak = victim('weak');
    const { url } = await ada.createInvite(24);
    await weak.start();
    await arm('WeakPassword');
    const input = { fragment: fragmentOf(url), handle: 'weak', displayName: 'Weak', password: PASSWORD, deviceName: 'test' };
    await expect(weak.prepareSignUp(input).then((pending) => weak.completeSignUp(pending))).rejects.toMatchObject({ code: 'WEAK_PARAMETERS' });
  });

  it('swaps the key of a stranger', async () => {
    const dora = browser('dora');
    await join(dora, 'dora', 'Dora');
    await arm('SwapKey', { handle: 'dora' });
    await expect(bob.createConversation({ type: 'DIRECT', people: [await idOf('dora')] })).rejects.toThrow();
    await arm();
    expect(Object.values(dora.store.getState().conversations)).toEqual([]);
  });

  it('shows another identity of somebody known', async () => {
    await meet();
    await arm('Impostor', { handle: 'ada' });
    await expect(bob.createConversation({ type: 'DIRECT', people: [personIn(bob, group, 'ada')] })).rejects.toThrow();
    await until(() => alarm() !== null, 'the alarm');
    expect(alarm()).toContain('Ada');
  });
});
