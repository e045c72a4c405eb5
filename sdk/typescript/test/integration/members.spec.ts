import { afterAll, describe, expect, it } from 'vitest';
import type { Client } from '../../src/engine/client';
import {
  allSent, browser, conversation, cuttable, forgetting, fragmentOf, losingAnswers, losingFirst, notices, PASSWORD, personIn, SETUP_TOKEN, signUp, texts, unreadable, until,
} from './people';

describe('members of one Circle', () => {
  const clients: Client[] = [];
  const open = (name: string, faults?: Parameters<typeof browser>[1]) => {
    const client = browser(name, faults);
    clients.push(client);
    return client;
  };
  let ada: Client;
  let bob: Client;
  let group: string;

  /** Somebody new, by Ada's invite. */
  const join = async (handle: string, name: string, faults?: Parameters<typeof browser>[1]) => {
    const client = open(handle, faults);
    await signUp(client, fragmentOf((await ada.createInvite(24)).url), handle, name);
    return client;
  };
  afterAll(() => {
    for (const client of clients) client.stop();
  });

  it('set up, invite, talk, remove, and come back', async () => {
    ada = open('ada');
    const words = await signUp(ada, SETUP_TOKEN, 'ada', 'Ada');
    expect(words).toHaveLength(24);
    expect(ada.store.getState().me).toMatchObject({ handle: 'ada', displayName: 'Ada', serverRole: 'OWNER' });
    expect((await ada.serverInfo()).hasOwner).toBe(true);

    const invite = await ada.createInvite(24);
    bob = open('bob');
    await bob.start();
    expect(await bob.previewInvite(fragmentOf(invite.url))).toMatchObject({ inviter: { displayName: 'Ada' }, isSetUp: false });
    await signUp(bob, fragmentOf(invite.url), 'bob', 'Bob');
    expect(await ada.listInvites()).toMatchObject([{ status: 'used', usedBy: { handle: 'bob' }, verified: true }]);

    const [found] = await ada.searchPeople('bob');
    expect(found).toMatchObject({ handle: 'bob' });
    group = await ada.createConversation({ type: 'GROUP', people: [found?.id ?? ''], title: 'Reading circle' });
    await until(() => bob.store.getState().conversations[group]?.title === 'Reading circle', 'the group with its title');

    await ada.send(group, 'Hello Bob');
    await until(() => texts(bob, group).includes('Hello Bob'), 'the message at Bob');
    await bob.openConversation(group);
    await bob.send(group, 'Hello Ada');
    await until(() => texts(ada, group).includes('Hello Ada'), 'the answer at Ada');
    await allSent(bob, group);
    expect(texts(bob, group)).toEqual(['Hello Bob', 'Hello Ada']);
    expect(conversation(ada, group).unread).toBe(1);

    const second = await ada.createInvite(24);
    const cem = open('cem');
    await signUp(cem, fragmentOf(second.url), 'cem', 'Cem');
    const [third] = await ada.searchPeople('cem');
    await ada.addPeople(group, [third?.id ?? '']);
    await until(() => cem.store.getState().conversations[group]?.title === 'Reading circle', 'the title at the newcomer');
    expect(texts(cem, group)).toEqual([]);
    await cem.send(group, 'Thanks for having me');
    await until(() => texts(ada, group).includes('Thanks for having me') && texts(bob, group).includes('Thanks for having me'), 'the newcomer is heard');
    expect(notices(ada, group)).toEqual(['You made this group', 'You added Cem']);

    await ada.removePerson(group, third?.id ?? '');
    await until(() => conversation(cem, group).role === null, 'the removal at Cem');
    await ada.send(group, 'Just us again');
    await until(() => texts(bob, group).includes('Just us again'), 'the message after the removal');
    expect(texts(cem, group)).not.toContain('Just us again');
    await cem.send(group, 'Am I still here?');
    await until(() => conversation(cem, group).items.some(({ state }) => state === 'failed'), 'the failed message');

    const direct = await bob.createConversation({ type: 'DIRECT', people: [personIn(bob, group, 'ada')] });
    await bob.send(direct, 'Only you');
    await until(() => texts(ada, direct).includes('Only you'), 'the direct message');
    expect(conversation(ada, direct).title).toBe('Bob');
    expect(await ada.createConversation({ type: 'DIRECT', people: [found?.id ?? ''] })).toBe(direct);

    bob.stop();
    await ada.send(group, 'While you were away');
    await allSent(ada, group);
    const again = open('bob');
    await again.start();
    expect(again.store.getState().phase).toBe('locked');
    expect(await again.knownAccount()).toMatchObject({ handle: 'bob', displayName: 'Bob' });
    await expect(again.unlock('not the password')).rejects.toMatchObject({ code: 'WRONG_PASSWORD' });
    await again.unlock(PASSWORD);
    expect(texts(again, group)).toContain('Hello Bob');
    await until(() => texts(again, group).includes('While you were away'), 'what was missed');
    await again.send(group, 'Back');
    await until(() => texts(ada, group).includes('Back'), 'the message after the restart');
    for (const client of [ada, again, cem]) expect(unreadable(client, group)).toEqual([]);
    expect(texts(ada, group)).toEqual(texts(again, group));
    bob = again;
  });

  it('double nothing when answers are lost, and keep the order', async () => {
    let lost = 0;
    const dora = await join('dora', 'Dora', {
      fetch: losingAnswers((body) => {
        const isLost = body.includes('sendMessage') && lost % 3 !== 2;
        if (body.includes('sendMessage')) lost += 1;
        return isLost;
      }),
    });
    const [found] = await ada.searchPeople('dora');
    const talk = await ada.createConversation({ type: 'DIRECT', people: [found?.id ?? ''] });
    await until(() => talk in dora.store.getState().conversations, 'the conversation');
    const wanted = ['one', 'two', 'three', 'four', 'five'];
    for (const text of wanted) await dora.send(talk, text);
    await allSent(dora, talk);
    await until(() => texts(ada, talk).length >= 5, 'all there');
    expect(lost).toBeGreaterThan(5);
    expect(texts(ada, talk)).toEqual(wanted);
    expect(texts(dora, talk)).toEqual(wanted);
  });

  it('end up with what they wanted when the first answer to everything is lost', async () => {
    const hans = open('hans', { fetch: losingFirst('SignUp', 'CreateConversation', 'ChangeRoster', 'AnnounceEpoch', 'SendMessage') });
    await hans.start();
    const fragment = fragmentOf((await ada.createInvite(24)).url);
    const pending = await hans.prepareSignUp({ fragment, handle: 'hans', displayName: 'Hans', password: PASSWORD, deviceName: 'test' });
    await expect(hans.completeSignUp(pending)).rejects.toMatchObject({ code: 'OFFLINE' });
    await hans.completeSignUp(pending);
    expect(hans.store.getState()).toMatchObject({ phase: 'ready', me: { handle: 'hans' } });
    const [found] = await hans.searchPeople('ada');
    const talk = await hans.createConversation({ type: 'GROUP', people: [], title: 'Lossy' });
    await hans.addPeople(talk, [found?.id ?? '']);
    await hans.send(talk, 'still one');
    await until(() => texts(ada, talk).length > 0, 'the message');
    expect(Object.values(hans.store.getState().conversations).filter(({ title }) => title === 'Lossy')).toHaveLength(1);
    expect(texts(ada, talk)).toEqual(['still one']);
    await until(() => conversation(ada, talk).title === 'Lossy', 'the title');
    expect(conversation(hans, talk)).toMatchObject({ alarm: null });
  });

  it('start afresh when the server does not know where they were', async () => {
    const ida = await join('ida', 'Ida');
    const [found] = await ada.searchPeople('ida');
    const talk = await ada.createConversation({ type: 'DIRECT', people: [found?.id ?? ''] });
    await ada.send(talk, 'before');
    await until(() => texts(ida, talk).includes('before'), 'the first message');
    ida.stop();
    await ada.send(talk, 'meanwhile');
    const group2 = await ada.createConversation({ type: 'GROUP', people: [found?.id ?? ''], title: 'New' });
    await allSent(ada, talk);
    const again = open('ida', { webSocketImpl: forgetting() });
    await again.start();
    await again.unlock(PASSWORD);
    await until(() => texts(again, talk).includes('meanwhile') && group2 in again.store.getState().conversations, 'what was missed');
    await ada.send(talk, 'after');
    await until(() => texts(again, talk).includes('after'), 'what came after');
    expect(texts(again, talk)).toEqual(['before', 'meanwhile', 'after']);
    expect(conversation(again, talk).alarm).toBeNull();
  });

  it('reconnect by themselves and miss nothing', async () => {
    const { webSocketImpl, cut } = cuttable();
    const emil = await join('emil', 'Emil', { webSocketImpl });
    const [found] = await ada.searchPeople('emil');
    const talk = await ada.createConversation({ type: 'DIRECT', people: [found?.id ?? ''] });
    const wanted: string[] = [];
    for (let round = 0; round < 4; round += 1) {
      cut();
      for (const text of [`${round} a`, `${round} b`]) {
        wanted.push(text);
        await ada.send(talk, text);
      }
      await until(() => texts(emil, talk).length === wanted.length, 'what was missed');
    }
    expect(texts(emil, talk)).toEqual(wanted);
    await until(() => emil.store.getState().connection === 'online', 'online again');
  });

  it('ask for the password when the session was ended elsewhere, and go on', async () => {
    const [session] = (await bob.listSessions()).filter(({ isCurrent }) => isCurrent);
    expect(session?.deviceName).toBe("Bob's test");
    await bob.revokeSession(session?.id ?? '');
    await until(() => bob.store.getState().phase === 'locked', 'the end of the session');
    await bob.unlock(PASSWORD);
    await ada.send(group, 'Are you back?');
    await until(() => texts(bob, group).includes('Are you back?'), 'the message after unlocking');
  });

  it('load what is older page by page', async () => {
    bob.stop();
    const talk = await ada.createConversation({ type: 'GROUP', people: [personIn(ada, group, 'bob')], title: 'Long' });
    const wanted = Array.from({ length: 120 }, (_, index) => `message ${index}`);
    for (const text of wanted) await ada.send(talk, text);
    await allSent(ada, talk);
    bob = open('bob');
    await bob.start();
    await bob.unlock(PASSWORD);
    await until(() => texts(bob, talk).includes('message 119'), 'the newest page');
    expect(texts(bob, talk).length).toBeLessThan(120);
    await bob.openConversation(talk);
    await bob.markRead(talk);
    for (let page = 0; page < 10 && conversation(bob, talk).hasOlder; page += 1) await bob.loadOlder(talk);
    expect(texts(bob, talk)).toEqual(wanted);
    expect(notices(bob, talk)).toEqual(['Ada made this group']);
    expect(conversation(bob, talk)).toMatchObject({ alarm: null, hasOlder: false, unread: 0 });
  });

  it('write at once while members come and go, and all see the same', async () => {
    const fritz = await join('fritz', 'Fritz');
    const [found] = await ada.searchPeople('fritz');
    const says = async (client: Client, name: string) => {
      for (let n = 0; n < 8; n += 1) await client.send(group, `${name} ${n}`);
    };
    await Promise.all([
      says(ada, 'ada'),
      says(bob, 'bob'),
      (async () => {
        await ada.addPeople(group, [found?.id ?? '']);
        await ada.changeRole(group, found?.id ?? '', 'ADMIN');
        await ada.removePerson(group, found?.id ?? '');
      })(),
    ]);
    await allSent(ada, group);
    await allSent(bob, group);
    for (const client of [ada, bob]) await until(() => ['ada 7', 'bob 7'].every((text) => texts(client, group).includes(text)), 'level');
    expect(texts(ada, group)).toEqual(texts(bob, group));
    for (const name of ['ada', 'bob']) {
      expect(texts(ada, group).filter((text) => text.startsWith(`${name} `))).toEqual(Array.from({ length: 8 }, (_, n) => `${name} ${n}`));
    }
    expect([...unreadable(ada, group), ...unreadable(bob, group)]).toEqual([]);
    await until(() => fritz.store.getState().conversations[group]?.role === null, 'the removal at Fritz');
  });

  it('leave, and are told when they may not do something', async () => {
    await expect(bob.removePerson(group, personIn(bob, group, 'ada'))).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(ada.leave(group)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await bob.leave(group);
    expect(conversation(bob, group).role).toBeNull();
    await expect(bob.signIn({ handle: 'bob', password: 'not the password' })).rejects.toMatchObject({ code: 'WRONG_PASSWORD' });
    await expect(open('gina').previewInvite(SETUP_TOKEN)).rejects.toMatchObject({ code: expect.stringContaining('INVITE') as string });
  });
});
