/** Who is who on a running server: safety numbers, marks on all devices, and a person who began anew. */
import { afterAll, describe, expect, it } from 'vitest';
import type { Client } from '../../src/engine/client';
import type { SafetyNumber } from '../../src/types';
import { allSent, browser, conversation, fragmentOf, notices, PASSWORD, personIn, SETUP_TOKEN, signUp, texts, until } from './people';

describe('who is who', () => {
  const clients: Client[] = [];
  const open = (name: string) => {
    const client = browser(name);
    clients.push(client);
    return client;
  };
  let ada: Client;
  let bob: Client;
  let cem: Client;
  let direct: string;
  let group: string;
  let adaWords: string[];
  let before: SafetyNumber;

  afterAll(() => {
    for (const client of clients) client.stop();
  });

  const join = async (handle: string, name: string) => {
    const client = open(handle);
    await signUp(client, fragmentOf((await ada.createInvite(24)).url), handle, name);
    return client;
  };
  const idOf = async (handle: string) => (await ada.searchPeople(handle))[0]?.id ?? '';
  const participant = (client: Client, id: string, handle: string) => conversation(client, id).participants.find(({ person }) => person.handle === handle);
  const ready = (client: Client) => until(() => client.store.getState().phase === 'ready' && !client.store.getState().syncing, 'ready');
  const guest = async (handle: string, name: string) => {
    const client = open(name);
    await client.start();
    await client.signIn({ handle, password: PASSWORD });
    return client;
  };

  it('shows both people the same number, and takes the code of the other', async () => {
    ada = open('ada');
    adaWords = await signUp(ada, SETUP_TOKEN, 'ada', 'Ada');
    bob = await join('bob', 'Bob');
    cem = await join('cem', 'Cem');
    direct = await ada.createConversation({ type: 'DIRECT', people: [await idOf('bob')] });
    group = await ada.createConversation({ type: 'GROUP', people: [await idOf('bob'), await idOf('cem')], title: 'Tea' });
    await ada.send(direct, 'hello Bob');
    await ada.send(group, 'hello all');
    await until(() => texts(bob, direct).includes('hello Bob') && texts(bob, group).includes('hello all'), 'the messages at Bob');
    await until(() => texts(cem, group).includes('hello all'), 'the message at Cem');

    before = await ada.trust.safetyNumber(personIn(ada, direct, 'bob'));
    const others = await bob.trust.safetyNumber(personIn(bob, direct, 'ada'));
    expect(before.groups).toHaveLength(12);
    expect(before.groups.every((one) => /^\d{5}$/.test(one))).toBe(true);
    expect(others).toMatchObject({ groups: before.groups, qr: before.qr, verified: false, identityChanged: false });
    const wrong = await ada.trust.safetyNumber(await idOf('cem'));
    expect(await ada.trust.compare(personIn(ada, direct, 'bob'), wrong.qr)).toBe(false);
    await expect(ada.trust.compare(personIn(ada, direct, 'bob'), 'https://example.com')).rejects.toMatchObject({ code: 'BAD_CODE' });
    expect(participant(ada, direct, 'bob')?.person.verified).toBe(false);
    expect(await ada.trust.compare(personIn(ada, direct, 'bob'), others.qr)).toBe(true);
    expect(participant(ada, direct, 'bob')?.person.verified).toBe(true);
    expect(participant(ada, group, 'bob')?.person.verified).toBe(true);
    expect(participant(bob, direct, 'ada')?.person.verified).toBe(false);
  });

  it('keeps marks and the recovery key’s confirmation for all devices of a member', async () => {
    await until(() => ada.store.getState().recoveryKeyConfirmed, 'the confirmation');
    const second = await guest('ada', 'ada-2');
    await second.recovery.recover(adaWords);
    await ready(second);
    await until(() => participant(second, direct, 'bob')?.person.verified === true, 'the mark on the second device');
    await second.trust.setVerified(personIn(second, direct, 'bob'), false);
    await until(() => participant(ada, group, 'bob')?.person.verified === false, 'the mark taken back');
    await ada.trust.setVerified(personIn(ada, direct, 'bob'), true);
    await until(() => participant(second, group, 'bob')?.person.verified === true, 'the mark again');
    expect(second.store.getState().recoveryKeyConfirmed).toBe(true);
    for (const client of [ada, second]) {
      for (const id of [direct, group]) expect(conversation(client, id).alarm).toBeNull();
      expect(client.store.getState().notice).toBeNull();
    }
    second.stop();
  });

  it('says so where a person began anew, and sends them nothing', async () => {
    const anew = await guest('bob', 'bob-anew');
    const pending = await anew.recovery.reset(PASSWORD);
    await anew.recovery.confirmReset(pending);
    await ready(anew);
    clients.splice(clients.indexOf(bob), 1)[0]?.stop();
    bob = anew;
    for (const id of [direct, group]) {
      await until(() => participant(ada, id, 'bob')?.changed === true, 'the change at Ada');
      expect(notices(ada, id).filter((text) => text.startsWith('Bob began anew with a new identity.'))).toHaveLength(1);
      expect(participant(ada, id, 'bob')?.person.verified).toBe(false);
      await until(() => id in bob.store.getState().conversations, 'the conversation at Bob');
      await until(() => notices(bob, id).some((text) => text.startsWith('You began anew with a new identity. Someone here has to let you in again')), 'what Bob is told');
      expect(participant(bob, id, 'bob')?.changed).toBe(true);
    }
    const now = await ada.trust.safetyNumber(personIn(ada, direct, 'bob'));
    expect(now).toMatchObject({ verified: false, identityChanged: true });
    expect(now.groups).not.toEqual(before.groups);

    await ada.send(group, 'not for the new Bob');
    await allSent(ada, group);
    await until(() => texts(cem, group).includes('not for the new Bob'), 'the message at Cem');
    await bob.send(group, 'let me in').catch(() => undefined);
    await until(() => conversation(bob, group).items.some(({ error }) => error?.startsWith('You began anew with a new identity.') === true), 'that Bob is shut out, and why');
    expect(texts(bob, group)).toEqual(expect.not.arrayContaining(['not for the new Bob']));
    expect(texts(cem, group)).not.toContain('let me in');
    // Nobody takes the new identity into anything without having been shown the change.
    await expect(ada.createConversation({ type: 'GROUP', people: [personIn(ada, direct, 'bob')], title: 'New' })).rejects.toMatchObject({ code: 'IDENTITY_CHANGED' });
  });

  it('lets them in again where somebody decides to', async () => {
    await expect(cem.trust.readmit(group, personIn(cem, group, 'bob'))).rejects.toMatchObject({ code: 'FORBIDDEN' });
    for (const id of [direct, group]) {
      await ada.trust.readmit(id, personIn(ada, id, 'bob'));
      expect(participant(ada, id, 'bob')?.changed).toBe(false);
      await ada.send(id, `welcome back in ${id}`);
      await until(() => texts(bob, id).includes(`welcome back in ${id}`), 'the welcome at Bob');
      expect(notices(bob, id).at(-1)).toBe('Ada let you in again');
      await bob.send(id, 'thank you');
      await until(() => texts(ada, id).includes('thank you'), 'the answer at Ada');
      expect(texts(bob, id)).not.toContain('not for the new Bob');
      expect(conversation(ada, id).alarm).toBeNull();
      expect(conversation(bob, id).alarm).toBeNull();
    }
    await until(() => texts(cem, group).includes('thank you'), 'the answer at Cem');
    expect(conversation(cem, group).alarm).toBeNull();
    // Still another identity than the one that was known, until it is compared.
    const known = await ada.trust.safetyNumber(personIn(ada, direct, 'bob'));
    expect(known).toMatchObject({ verified: false, identityChanged: true });
    expect(await bob.trust.compare(personIn(bob, direct, 'ada'), known.qr)).toBe(true);
    expect(await ada.trust.compare(personIn(ada, direct, 'bob'), known.qr)).toBe(true);
    expect(await ada.trust.safetyNumber(personIn(ada, direct, 'bob'))).toMatchObject({ verified: true, identityChanged: false });
    await ada.createConversation({ type: 'GROUP', people: [personIn(ada, direct, 'bob')], title: 'New' });
  });
});
