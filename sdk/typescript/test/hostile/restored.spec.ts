/** A server that is replaced by its backup of before the last messages: `tests/e2e/test_typescript_alarms.py` does it. */
import { afterAll, describe, expect, it } from 'vitest';
import { ALARMS } from '../../src/crypto/machine/reasons';
import type { Client } from '../../src/engine/client';
import type { TimelineItem } from '../../src/types';
import { allSent, conversation, fragmentOf, notices, PASSWORD, personIn, SETUP_TOKEN, signUp, texts, until } from '../integration/people';
import { outside, victim } from './evil';

describe('a restored backup', () => {
  const ada = victim('ada');
  const bob = victim('bob');
  const all = [ada, bob];
  const cem = victim('cem');
  const late = victim('cem-2');
  let talk: string;
  let other: string;

  afterAll(() => {
    for (const client of [...all, cem, late]) client.stop();
  });

  const says = async (client: Client, id: string, text: string) => {
    await client.send(id, text);
    await allSent(client, id);
    for (const one of all) await until(() => texts(one, id).includes(text), `“${text}”`);
  };
  const textsOf = (items: TimelineItem[]) => items.flatMap(({ body }) => (body.kind === 'text' ? [body.text] : []));
  const online = () => Promise.all(all.map((client) => until(() => client.store.getState().connection === 'online' && !client.store.getState().syncing, 'the connection')));

  it('raises the alarm where the server has lost what was seen', async () => {
    await signUp(ada, SETUP_TOKEN, 'ada', 'Ada');
    await signUp(bob, fragmentOf((await ada.createInvite(24)).url), 'bob', 'Bob');
    const [found] = await ada.searchPeople('bob');
    talk = await ada.createConversation({ type: 'GROUP', people: [found?.id ?? ''], title: 'Tea' });
    other = await ada.createConversation({ type: 'DIRECT', people: [found?.id ?? ''] });
    for (const id of [talk, other]) await says(ada, id, 'one');
    const words = await signUp(cem, fragmentOf((await ada.createInvite(24)).url), 'cem', 'Cem');
    await outside('backup');
    await online();
    await late.start();
    await late.signIn({ handle: 'cem', password: PASSWORD });
    await late.recovery.recover(words);
    expect(await cem.devices.list()).toHaveLength(2);
    await says(ada, talk, 'two');
    await says(bob, talk, 'three');
    await says(bob, other, 'deux');
    await ada.trust.setVerified(personIn(ada, talk, 'bob'), true);
    await ada.changeRole(talk, personIn(ada, talk, 'bob'), 'ADMIN');
    await says(ada, talk, 'four');
    await outside('restore');
    for (const client of all) {
      for (const id of [talk, other]) await until(() => conversation(client, id).alarm?.endsWith(ALARMS.older) === true, 'the alarm');
    }
    expect(texts(ada, talk)).toEqual(['one', 'two', 'three', 'four']);
    await until(() => ada.store.getState().accountAlarm?.endsWith('The server shows an older state of your account than before.') === true, 'the alarm about the account');
  });

  it('is mended by what the devices have signed, in its order', async () => {
    const first = await bob.trust.offerMissing(talk);
    expect(first).toMatchObject({ taken: 0, given: [], lacking: 5, refused: null });
    // With the change of role, and the keys that it made due.
    expect(textsOf(first.missing)).toEqual(['two', 'three', 'four']);
    // Who made the newest keys before gives them back as well, with the change of role that made them due.
    const second = await ada.trust.offerMissing(talk);
    expect([second.taken, textsOf(second.given), second.lacking]).toEqual([1, ['two'], 4]);
    expect(second.missing[0]).toMatchObject({ body: { text: 'three' }, mine: false, sender: { handle: 'bob' } });
    expect(conversation(ada, talk).alarm).not.toBeNull();
    expect(await bob.trust.offerMissing(talk)).toMatchObject({ taken: 1, lacking: 3 });
    const last = await ada.trust.offerMissing(talk);
    expect([last.taken, textsOf(last.given), last.lacking, last.missing]).toEqual([3, ['four'], 0, []]);
    expect(conversation(ada, talk).alarm).toBeNull();
    // Nothing is missing any more, and Bob has nothing to do for it.
    await until(() => conversation(bob, talk).alarm === null, 'the end of the alarm at Bob');
    expect(await bob.trust.alarm(talk)).toBeNull();
    await says(ada, talk, 'five');
    await says(bob, talk, 'six');
    for (const client of all) expect(texts(client, talk)).toEqual(['one', 'two', 'three', 'four', 'five', 'six']);
    expect(conversation(ada, talk).participants.find(({ person }) => person.handle === 'bob')?.role).toBe('ADMIN');
  });

  it('is gone on with where a person decides so, and what is lost stays on the devices', async () => {
    await ada.trust.acceptState(other);
    expect(conversation(ada, other)).toMatchObject({ alarm: null, title: 'Bob', role: 'OWNER' });
    expect(texts(ada, other)).toEqual(['one', 'deux']);
    expect(notices(ada, other).slice(-2)).toEqual([
      'The server no longer has what follows (one message). Only this device still has it.',
      'Here ends what only this device still has. You decided to go on with what the server shows.',
    ]);
    await ada.send(other, 'from here on');
    await allSent(ada, other);
    await bob.send(other, 'not yet');
    await until(() => conversation(bob, other).items.some(({ state }) => state === 'failed'), 'that nothing is sent');
    await bob.trust.acceptState(other);
    await until(() => texts(bob, other).includes('from here on'), 'what comes after');
    for (const { key, state } of conversation(bob, other).items) if (state === 'failed') await bob.retry(other, key);
    await until(() => texts(ada, other).includes('not yet'), 'the message that waited');
    expect(texts(bob, other)).toEqual(['one', 'deux', 'from here on', 'not yet']);

    await ada.trust.acceptState('account');
    expect(await ada.trust.alarm('account')).toBeNull();
    expect(ada.store.getState().accountAlarm).toBeNull();
    await until(() => conversation(ada, other).participants.some(({ person }) => person.verified), 'the mark, written again');
  });

  it('that lacks an own device is not believed about the account, and each device says what to do', async () => {
    await cem.devices.list();
    await until(() => cem.store.getState().accountAlarm !== null, 'the alarm about the account');
    // What the devices told each other is lost as well: one may go on without that.
    if ((await cem.trust.alarm('account'))?.canAccept === true) await cem.trust.acceptState('account');
    await cem.devices.list();
    expect(cem.store.getState().accountAlarm).toMatch(/for your own account than it did before\..* sign in on another device or browser with your recovery key/);
    expect(await cem.trust.alarm('account')).toMatchObject({ canOffer: false, canAccept: false });
    await until(() => late.store.getState().phase !== 'ready', 'the end of a session that the server does not know');
    await late.signIn({ handle: 'cem', password: PASSWORD });
    expect(late.store.getState()).toMatchObject({ phase: 'no-keys', notice: expect.stringMatching(/^The server does not know this browser as one of your devices any more\./) as string });
  });
});
