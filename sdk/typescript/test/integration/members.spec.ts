import { afterAll, describe, expect, it } from 'vitest';
import type { Client } from '../../src/engine/client';
import { browser, conversation, fragmentOf, notices, PASSWORD, SETUP_TOKEN, signUp, texts, unreadable, until } from './people';

describe('members of one Circle', () => {
  const clients: Client[] = [];
  const open = (name: string) => {
    const client = browser(name);
    clients.push(client);
    return client;
  };
  afterAll(() => {
    for (const client of clients) client.stop();
  });

  it('set up, invite, talk, remove, and come back', async () => {
    const ada = open('ada');
    const words = await signUp(ada, SETUP_TOKEN, 'ada', 'Ada');
    expect(words).toHaveLength(24);
    expect(ada.store.getState().me).toMatchObject({ handle: 'ada', displayName: 'Ada', serverRole: 'OWNER' });
    expect((await ada.serverInfo()).hasOwner).toBe(true);

    const invite = await ada.createInvite(24);
    const bob = open('bob');
    await bob.start();
    expect(await bob.previewInvite(fragmentOf(invite.url))).toMatchObject({ inviter: { displayName: 'Ada' }, isSetUp: false });
    await signUp(bob, fragmentOf(invite.url), 'bob', 'Bob');
    expect(await ada.listInvites()).toMatchObject([{ status: 'used', usedBy: { handle: 'bob' }, verified: true }]);

    const [found] = await ada.searchPeople('bob');
    expect(found).toMatchObject({ handle: 'bob' });
    const group = await ada.createConversation({ type: 'GROUP', people: [found?.id ?? ''], title: 'Reading circle' });
    await until(() => bob.store.getState().conversations[group]?.title === 'Reading circle', 'the group with its title');

    await ada.send(group, 'Hello Bob');
    await until(() => texts(bob, group).includes('Hello Bob'), 'the message at Bob');
    await bob.openConversation(group);
    await bob.send(group, 'Hello Ada');
    await until(() => texts(ada, group).includes('Hello Ada'), 'the answer at Ada');
    await until(() => conversation(bob, group).items.every(({ state }) => state === 'sent'), 'all sent');
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

    const direct = await bob.createConversation({ type: 'DIRECT', people: [conversation(bob, group).participants.find(({ person }) => person.handle === 'ada')?.person.id ?? ''] });
    await bob.send(direct, 'Only you');
    await until(() => texts(ada, direct).includes('Only you'), 'the direct message');
    expect(conversation(ada, direct).title).toBe('Bob');
    expect(await ada.createConversation({ type: 'DIRECT', people: [found?.id ?? ''] })).toBe(direct);

    bob.stop();
    await ada.send(group, 'While you were away');
    await until(() => conversation(ada, group).items.every(({ state }) => state === 'sent'), 'sent');
    const again = open('bob');
    await again.start();
    expect(again.store.getState().phase).toBe('locked');
    expect(await again.knownAccount()).toEqual({ handle: 'bob', displayName: 'Bob' });
    await expect(again.unlock('not the password')).rejects.toMatchObject({ code: 'WRONG_PASSWORD' });
    await again.unlock(PASSWORD);
    expect(texts(again, group)).toContain('Hello Bob');
    await until(() => texts(again, group).includes('While you were away'), 'what was missed');
    await again.send(group, 'Back');
    await until(() => texts(ada, group).includes('Back'), 'the message after the restart');
    for (const client of [ada, again, cem]) expect(unreadable(client, group)).toEqual([]);
    expect(texts(ada, group)).toEqual(texts(again, group));
  });
});
