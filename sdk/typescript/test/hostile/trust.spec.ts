/** A server that lies about who is who, about the member's own account, and about which conversations there are. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { ALARMS } from '../../src/crypto/machine/reasons';
import type { Client } from '../../src/engine/client';
import { allSent, browser, conversation, fragmentOf, notices, PASSWORD, personIn, SETUP_TOKEN, signUp, texts, until } from '../integration/people';
import { arm, victim } from './evil';

describe('a server that lies about people and the account', () => {
  let ada: Client;
  let bob: Client;
  let bobWords: string[];
  let group: string;
  const clients: Client[] = [];

  const participant = (handle: string) => conversation(bob, group).participants.find(({ person }) => person.handle === handle);
  const idOf = async (handle: string) => (await ada.searchPeople(handle))[0]?.id ?? '';
  const meet = async () => {
    group = await ada.createConversation({ type: 'GROUP', people: [await idOf('bob')], title: 'Tea' });
    await ada.send(group, 'before');
    await until(() => texts(bob, group).includes('before'), 'the group at Bob');
    await bob.openConversation(group);
  };
  const says = async (client: Client, text: string) => {
    await client.send(group, text);
    await allSent(client, group);
  };

  beforeAll(async () => {
    ada = browser('ada');
    bob = victim('bob');
    clients.push(ada, bob);
    await signUp(ada, SETUP_TOKEN, 'ada', 'Ada');
    bobWords = await signUp(bob, fragmentOf((await ada.createInvite(24)).url), 'bob', 'Bob');
  });
  afterEach(() => arm());
  afterAll(() => {
    for (const client of clients) client.stop();
  });

  it('swaps an identity: it is told, sealed nothing, and never let in by itself', async () => {
    await meet();
    const ID = personIn(bob, group, 'ada');
    await bob.trust.setVerified(ID, true);
    await until(() => participant('ada')?.person.verified === true, 'the mark');
    await arm('FakeReset', { handle: 'ada' });
    const fake = await bob.trust.safetyNumber(ID);
    expect(fake).toMatchObject({ verified: false, identityChanged: true });
    await until(() => participant('ada')?.changed === true, 'the change');
    expect(participant('ada')?.person.verified).toBe(false);
    const said = notices(bob, group).filter((text) => text.startsWith('Ada began anew with a new identity.'));
    expect(said).toEqual(['Ada began anew with a new identity. They can read nothing new here until someone lets them in again. Ask them first whether it was really them.']);

    await bob.send(group, 'for the true Ada').catch(() => undefined);
    await until(() => conversation(bob, group).items.some(({ state }) => state === 'failed'), 'that nothing is sent');
    await expect(bob.createConversation({ type: 'DIRECT', people: [ID] })).rejects.toMatchObject({ code: 'IDENTITY_CHANGED' });
    await expect(bob.createConversation({ type: 'GROUP', people: [ID], title: 'Trap' })).rejects.toMatchObject({ code: 'IDENTITY_CHANGED' });
    expect(Object.keys(ada.store.getState().conversations)).toEqual([group]);
    expect(participant('ada')?.changed).toBe(true);

    // The truth is a chain without that link: a contradiction, which is for Bob to decide about.
    await arm();
    await bob.trust.safetyNumber(ID).catch(() => undefined);
    await until(() => conversation(bob, group).alarm !== null, 'the alarm');
    expect(conversation(bob, group).alarm).toContain('other keys for Ada');
    expect(await bob.trust.alarm(group)).toMatchObject({ canOffer: false, canAccept: true });
    await bob.trust.acceptState(group);
    expect(conversation(bob, group).alarm).toBeNull();
    expect(participant('ada')?.changed).toBe(false);
    for (const { key, state } of conversation(bob, group).items) if (state === 'failed') await bob.retry(group, key);
    await until(() => texts(ada, group).includes('for the true Ada'), 'the message at the true Ada');
  });

  it('rolls the account back: it is told, nothing is written to it, and what was known stays', async () => {
    await meet();
    const ID = personIn(bob, group, 'ada');
    await bob.trust.setVerified(ID, true);
    await until(() => participant('ada')?.person.verified === true, 'the mark');
    await new Promise((resolve) => { setTimeout(resolve, 500); });
    expect(await bob.trust.alarm('account')).toBeNull();
    await arm('RollBackAccount');
    await until(() => bob.store.getState().accountAlarm !== null, 'the alarm');
    expect(bob.store.getState().accountAlarm).toMatch(/^The server ends at entry \d+, and this device has seen entry \d+\. The server shows an older state of your account than before\.$/);
    expect(participant('ada')?.person.verified).toBe(true);
    expect((await bob.trust.alarm('account'))?.text).toBe(bob.store.getState().accountAlarm);
    // Conversations go on.
    expect(conversation(bob, group).alarm).toBeNull();
    await says(bob, 'still here');
    await until(() => texts(ada, group).includes('still here'), 'the message');

    await arm();
    await until(() => bob.store.getState().connection === 'online', 'the connection');
    await bob.trust.acceptState('account');
    expect(await bob.trust.alarm('account')).toBeNull();
    await until(() => participant('ada')?.person.verified === true, 'the mark');
    await bob.trust.setVerified(ID, false);
    expect(participant('ada')?.person.verified).toBe(false);
    await bob.trust.setVerified(ID, true);
  });

  it('leaves a conversation out: it is told, sending stops, what is here stays', async () => {
    await meet();
    await arm('Omit');
    await until(() => conversation(bob, group).alarm !== null, 'the alarm');
    expect(conversation(bob, group).alarm).toBe(ALARMS.omitted);
    await bob.send(group, 'anybody?').catch(() => undefined);
    await until(() => conversation(bob, group).items.some(({ state }) => state === 'failed'), 'that nothing is sent');
    expect(texts(bob, group)).toContain('before');
    expect(await bob.trust.alarm(group)).toEqual({ text: ALARMS.omitted, canOffer: false, canAccept: true, isListed: false });
    await expect(bob.trust.offerMissing(group)).rejects.toMatchObject({ code: 'INVALID' });
    await arm();
    await bob.trust.acceptState(group);
    expect(conversation(bob, group).alarm).toBeNull();
    await says(ada, 'welcome back');
    await until(() => texts(bob, group).includes('welcome back'), 'what comes after');
    await bob.send(group, 'thank you');
    await until(() => texts(ada, group).includes('thank you'), 'the answer');
  });

  it('shows a new device less than another one has seen', async () => {
    await meet();
    await says(ada, 'newest');
    await until(() => texts(bob, group).includes('newest'), 'the newest');
    // Pins of what only went on are written every ten minutes.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 660_000 });
    await arm();
    await until(() => bob.store.getState().connection === 'online', 'the connection');
    await new Promise((resolve) => { setTimeout(resolve, 2_000); });
    vi.useRealTimers();
    const second = victim('bob-2');
    clients.push(second);
    await second.start();
    await second.signIn({ handle: 'bob', password: PASSWORD });
    await arm('ShowLess', { space: conversation(bob, group).protocolId });
    await second.recovery.recover(bobWords);
    await until(() => second.store.getState().phase === 'ready' && !second.store.getState().syncing, 'the second device');
    await until(() => conversation(second, group).alarm !== null, 'the alarm');
    expect(conversation(second, group).alarm).toMatch(/^Another device of yours has seen entry 5, and the server ends at entry 4\. /);
    expect(await second.trust.alarm(group)).toMatchObject({ canOffer: false, canAccept: true });
    await arm();
    await second.trust.acceptState(group);
    expect(conversation(second, group).alarm).toBeNull();
    await until(() => texts(second, group).includes('newest'), 'the newest at the second');
  });
});
