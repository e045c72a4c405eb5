/** Lifetimes, history and keys that somebody spoiled, by engines as browsers run them. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseAnnouncement } from '../../src/crypto/protocol/epoch';
import type * as EpochKeys from '../../src/crypto/protocol/epochKeys';
import { toHex } from '../../src/crypto/protocol/bytes';
import type { Client } from '../../src/engine/client';
import { spoil } from '../engine/spoil';
import { allSent, browser, conversation, fragmentOf, notices, personIn, SETUP_TOKEN, signUp, texts, unreadable, until } from './people';

/** Who spoils the next epoch, and whose seal; protocol ids in hex. */
const cheat = vi.hoisted(() => ({ maker: '', victim: '' }));

vi.mock('../../src/crypto/protocol/epochKeys', async (load) => {
  const real = await load<typeof EpochKeys>();
  return {
    ...real,
    /** As the real one, but the cheat's epoch lists a seal for the victim that opens nothing: truly signed garbage. */
    makeEpoch: async (...given: Parameters<typeof EpochKeys.makeEpoch>) => {
      const made = await real.makeEpoch(...given);
      const [, , creator, dk] = given;
      if (toHex(creator.member) !== cheat.maker) return made;
      cheat.maker = '';
      const { signature, ...spoiled } = await spoil({ ...made, announcement: made.announcement.body, seals: [...made.seals] }, [cheat.victim], dk);
      const announcement = { body: spoiled.announcement, signature };
      return { ...made, ...spoiled, announcement, epoch: (await parseAnnouncement(spoiled.announcement)).epoch };
    },
  };
});

describe('a conversation', () => {
  const clients: Client[] = [];
  let [ada, bob, eve]: Client[] = [];
  const idOf = (client: Client) => client.store.getState().me?.protocolId ?? '';
  const find = async (handle: string) => (await the(ada).searchPeople(handle))[0]?.id ?? '';
  const the = (client: Client | undefined): Client => {
    if (!client) throw new Error('Everybody has joined.');
    return client;
  };
  const join = async (handle: string, name: string) => {
    const client = browser(handle);
    clients.push(client);
    await signUp(client, fragmentOf((await the(ada).createInvite(24)).url), handle, name);
    return client;
  };
  const sees = (client: Client, id: string, text: string) => until(() => texts(client, id).includes(text), `that ${text} is read`);

  beforeAll(async () => {
    ada = browser('ada');
    clients.push(ada);
    await signUp(ada, SETUP_TOKEN, 'ada', 'Ada');
    [bob, eve] = [await join('bob', 'Bob'), await join('eve', 'Eve')];
  });
  afterAll(() => { for (const client of clients) client.stop(); });

  it('takes a message that was sealed just before the lifetime was made shorter', async () => {
    const one = the(ada);
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => { release = resolve; });
    let held = 0;
    const slow = browser('slow', { fetch: async (input, init) => {
      if (typeof init?.body === 'string' && init.body.includes('mutation SendMessage(')) {
        held += 1;
        await released;
      }
      return fetch(input, init);
    } });
    clients.push(slow);
    await signUp(slow, fragmentOf((await one.createInvite(24)).url), 'slow', 'Slow');
    const id = await one.createConversation({ type: 'GROUP', people: [await find('slow')], title: 'Now', lifetime: 0 });
    await until(() => slow.store.getState().conversations[id] !== undefined, 'the group');
    await slow.send(id, 'on its way');
    await until(() => held === 1, 'it is on its way');
    await one.policy.set(id, { lifetime: 3 });
    release();
    await sees(one, id, 'on its way');
    await allSent(slow, id);
    expect(conversation(one, id).items.find(({ body }) => body.kind === 'text')).toMatchObject({ lifetime: 3 });
  });

  it('tells how long messages stay, and takes them away when their time is over', async () => {
    const [one, two] = [the(ada), the(bob)];
    const id = await one.createConversation({ type: 'GROUP', people: [await find('bob')], title: 'Tea', lifetime: 4 });
    await until(() => two.store.getState().conversations[id] !== undefined, 'the group at Bob');
    expect(conversation(two, id)).toMatchObject({ lifetime: 4, history: 'JOINING' });
    await two.policy.set(id, { lifetime: 1 }).then(
      () => expect.unreachable('a writer changes no policy'),
      (error: unknown) => { expect(error).toMatchObject({ code: 'FORBIDDEN' }); },
    );
    await one.policy.set(id, { lifetime: 3 });
    await one.policy.set(id, { lifetime: 3 });
    await one.policy.set(id, { history: 'SHARED' });
    await until(() => conversation(two, id).history === 'SHARED', 'the policy at Bob');
    expect(notices(two, id)).toEqual([
      'Ada made this group; messages disappear after 7 days', 'Ada set messages to disappear after 1 day', 'Ada set earlier messages to be shown to new people',
    ]);
    await one.send(id, 'too long', { lifetime: 6 }).then(
      () => expect.unreachable('nothing outlives the policy'),
      (error: unknown) => { expect(error).toMatchObject({ code: 'LIFETIME_TOO_LONG' }); },
    );
    await one.send(id, 'a day');
    await one.send(id, 'an hour', { lifetime: 1 });
    await allSent(one, id);
    await sees(two, id, 'an hour');
    const [day, hour] = conversation(two, id).items.filter(({ body }) => body.kind === 'text');
    expect([day?.lifetime, hour?.lifetime]).toEqual([3, 1]);
    expect((day?.expiresAt ?? 0) - (hour?.expiresAt ?? 0)).toBeGreaterThan(22 * 3_600_000);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_700_000 });
    try {
      await one.send(id, 'later');
      await sees(two, id, 'later');
      await until(() => !texts(one, id).includes('an hour') && !texts(two, id).includes('an hour'), 'the end of the hour');
      expect(texts(two, id)).toEqual(['a day', 'later']);
    } finally {
      vi.useRealTimers();
    }
  });

  it('gives a newcomer what was said before where that is shared, also when it was spread over many keys', async () => {
    const [one, two, three] = [the(ada), the(bob), the(eve)];
    const id = await one.createConversation({ type: 'GROUP', people: [await find('bob')], title: 'Open', history: 'SHARED' });
    await one.send(id, 'first');
    await one.changeRole(id, personIn(one, id, 'bob'), 'ADMIN');
    await one.send(id, 'second');
    await allSent(one, id);
    await until(() => two.store.getState().conversations[id]?.role === 'ADMIN', 'the role');
    await sees(two, id, 'second');
    await two.addPeople(id, [await find('eve')]);
    await until(() => three.store.getState().conversations[id] !== undefined, 'the group at Eve');
    await sees(three, id, 'first');
    await sees(three, id, 'second');
    expect(unreadable(three, id)).toEqual([]);
  });

  it.each([[true, 'whose client answers'], [false, 'whose client says nothing more']])(
    'mends keys that were spoiled by a member (answers: %s) %s',
    async (stays) => {
      const [one, two, three] = [the(ada), the(bob), the(eve)];
      const id = await one.createConversation({ type: 'GROUP', people: [await find('bob'), await find('eve')], title: 'Plot' });
      await until(() => [two, three].every((client) => client.store.getState().conversations[id] !== undefined), 'the group');
      await one.changeRole(id, personIn(one, id, 'bob'), 'ADMIN');
      await one.changeRole(id, personIn(one, id, 'eve'), 'ADMIN');
      await until(() => conversation(three, id).role === 'ADMIN', 'the role of Eve');
      Object.assign(cheat, { maker: idOf(three), victim: idOf(two) });
      await three.policy.set(id, { history: 'SHARED' });
      expect(cheat.maker).toBe('');
      await three.send(id, 'not for Bob');
      if (!stays) {
        await allSent(three, id);
        three.stop();
      }
      await sees(two, id, 'not for Bob');
      expect(unreadable(two, id)).toEqual([]);
      const told = 'could not open keys that Eve’s device made for new messages. They are sent again, and made anew; nobody has to do anything.';
      await until(() => notices(one, id).includes(`Bob ${told}`) && notices(two, id).includes(`You ${told}`), 'the notice');
      await two.send(id, 'I read you');
      await sees(one, id, 'I read you');
      expect([conversation(one, id).alarm, conversation(two, id).alarm]).toEqual([null, null]);
    },
  );
});
