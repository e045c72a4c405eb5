/** A server that lies to a member about their own devices: linking, rotation, revocation; and about who is signed in. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { ALARMS, REASONS } from '../../src/crypto/machine/reasons';
import type { Client } from '../../src/engine/client';
import { allSent, browser, conversation, fragmentOf, PASSWORD, SETUP_TOKEN, signUp, texts, unreadable, until } from '../integration/people';
import { arm, victim } from './evil';

const NOT_PROVEN = 'The server says that this device was removed from your account, but cannot prove it. Nothing was deleted.';
const OWN_KEYS =
  'The server shows other keys or devices for your own account than it did before. Do not trust what it shows of your account. If it was restored from a backup: ' +
  'sign in on another device or browser with your recovery key, and remove this device there.';

describe('a server that lies about devices', () => {
  const clients: Client[] = [];
  const keep = (client: Client) => {
    clients.push(client);
    return client;
  };
  let ada: Client;
  let count = 0;

  /** A new member in a group with Ada, who has read "before" there. Only Ada is always told the truth. */
  const member = async (make: typeof victim | typeof browser) => {
    count += 1;
    const handle = `bob${count}`;
    const first = keep(make(handle));
    const words = await signUp(first, fragmentOf((await ada.createInvite(24)).url), handle, 'Bob');
    const [found] = await ada.searchPeople(handle);
    const group = await ada.createConversation({ type: 'GROUP', people: [found?.id ?? ''], title: 'Tea' });
    await says(group, 'before');
    await until(() => texts(first, group).includes('before'), 'the group');
    return { handle, first, words, group };
  };
  const says = async (group: string, text: string) => {
    await ada.send(group, text);
    await allSent(ada, group);
  };
  const ready = (client: Client) => until(() => client.store.getState().phase === 'ready' && !client.store.getState().syncing, 'ready');
  const guest = async (client: Client, handle: string) => {
    await client.start();
    await client.signIn({ handle, password: PASSWORD });
    expect(client.store.getState().phase).toBe('no-keys');
    return client;
  };
  const letIn = async (old: Client, fresh: Client) => {
    const pending = await fresh.devices.offer();
    await old.devices.answer(await old.devices.read(pending.qr));
    await pending.done;
    await ready(fresh);
  };
  const second = async (make: typeof victim | typeof browser, { first, handle }: { first: Client; handle: string }) => {
    const fresh = await guest(keep(make(`${handle}-2`)), handle);
    await letIn(first, fresh);
    expect(await fresh.devices.list()).toHaveLength(2);
    return fresh;
  };
  const rotate = async (client: Client) => {
    const pending = await client.recovery.renew();
    await client.recovery.confirm(pending);
    return pending.words;
  };

  beforeAll(async () => {
    ada = keep(browser('ada'));
    await signUp(ada, SETUP_TOKEN, 'ada', 'Ada');
  });
  afterEach(async () => {
    vi.useRealTimers();
    await arm();
  });
  afterAll(() => {
    for (const client of clients) client.stop();
  });

  it.each([true, false])('swaps the request of a new device (with a code of its own: %s): nobody is let in', async (own_mac) => {
    const { handle, first, group } = await member(victim);
    const fresh = await guest(keep(browser(`${handle}-2`)), handle);
    const pending = await fresh.devices.offer();
    await arm('SwapRequest', { own_mac });
    const refusal = { code: 'BAD_LINK', message: 'The request was not made by the device that shows this code.' };
    await expect(first.devices.read(pending.words.join(' '))).rejects.toMatchObject(refusal);
    expect(await first.devices.list()).toHaveLength(1);
    await arm();
    await first.devices.answer(await first.devices.read(pending.words.join(' ')));
    await pending.done;
    await ready(fresh);
    await until(() => texts(fresh, group).includes('before'), 'the history');
  });

  it.each([true, false])('swaps the answer to a new device (with a code of its own: %s): it takes no keys', async (own_mac) => {
    const { handle, first, group } = await member(browser);
    const fresh = await guest(keep(victim(`${handle}-2`)), handle);
    await arm('SwapAnswer', { own_mac });
    const pending = await fresh.devices.offer();
    await first.devices.answer(await first.devices.read(pending.qr));
    await expect(pending.done).rejects.toMatchObject({ code: 'BAD_LINK', message: "The answer is not to this device's request." });
    expect(fresh.store.getState().phase).toBe('no-keys');
    expect(await fresh.knownAccount()).toBeNull();
    await arm();
    // It is one of the member's devices all the same, without keys: another try begins anew, and takes it out.
    await expect(fresh.devices.offer()).rejects.toMatchObject({ code: 'PASSWORD_NEEDED' });
    await fresh.signIn({ handle, password: PASSWORD });
    await letIn(first, fresh);
    await until(() => texts(fresh, group).includes('before'), 'the history');
    await until(async () => (await first.devices.list()).length === 2, 'that the device without keys is gone');
  });

  it('withholds the answer to a new device: it ends in words, and nothing stays', async () => {
    const { handle, first, group } = await member(browser);
    const fresh = await guest(keep(victim(`${handle}-2`)), handle);
    await arm('WithholdAnswer');
    const pending = await fresh.devices.offer();
    await first.devices.answer(await first.devices.read(pending.qr));
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 6 * 60_000 });
    const refusal = { code: 'LINK_EXPIRED', message: 'Nobody let this device in within five minutes. Please show new words.' };
    await expect(pending.done).rejects.toMatchObject(refusal);
    vi.useRealTimers();
    expect(fresh.store.getState().phase).toBe('no-keys');
    expect(await fresh.knownAccount()).toBeNull();
    await arm();
    // It is one of the member's devices all the same, without keys: another try begins anew, and takes it out.
    await expect(fresh.devices.offer()).rejects.toMatchObject({ code: 'PASSWORD_NEEDED' });
    await fresh.signIn({ handle, password: PASSWORD });
    await letIn(first, fresh);
    await until(() => texts(fresh, group).includes('before'), 'the history');
    await until(async () => (await first.devices.list()).length === 2, 'that the device without keys is gone');
  });

  it.each(['GhostDevice', 'OtherChain'])('adds to the own chain, or shows that of somebody else (%s): refused, and said so', async (attack) => {
    const { handle, first, group } = await member(victim);
    await arm(attack, { handle });
    expect(await first.devices.list()).toHaveLength(1);
    await until(() => conversation(first, group).alarm !== null, 'the alarm');
    expect(conversation(first, group).alarm).toBe(OWN_KEYS);
    await first.send(group, 'nobody hears this').catch(() => undefined);
    await until(() => conversation(first, group).items.some(({ state }) => state === 'failed'), 'that nothing is sent');
  });

  it.each(['GhostDevice', 'OtherChain'])('adds to somebody else’s chain, or shows another one (%s): nothing is sealed to it', async (attack) => {
    const { first, group } = await member(victim);
    const person = conversation(first, group).participants.find((one) => one.person.handle === 'ada')?.person.id ?? '';
    await arm(attack, { handle: 'ada' });
    await expect(first.createConversation({ type: 'DIRECT', people: [person] })).rejects.toMatchObject({ code: 'FORK', message: expect.stringContaining('other keys for Ada') as string });
    await until(() => conversation(first, group).alarm !== null, 'the alarm');
    expect(conversation(first, group).alarm).toContain('other keys for Ada');
  });

  it('shows the key of before a rotation again: refused, and said so', async () => {
    const { handle, first, group } = await member(browser);
    const other = await second(victim, { handle, first });
    await rotate(first);
    expect(await other.devices.list()).toHaveLength(2);
    await arm('RollBackKey', { handle });
    await other.devices.list();
    await until(() => conversation(other, group).alarm !== null, 'the alarm');
    expect(conversation(other, group).alarm).toBe(OWN_KEYS);
  });

  it.each([true, false])('forges the box of a new key (sealed by itself: %s): it is not taken', async (own) => {
    const { handle, first, group } = await member(browser);
    const other = await second(victim, { handle, first });
    await arm('ForgedBox', { handle, own });
    await rotate(first);
    await expect(other.devices.list()).rejects.toMatchObject({ code: 'UNTRUSTED', message: 'The box that the server hands out for this device does not open.' });
    await arm();
    expect(await other.devices.list()).toHaveLength(2);
    await says(group, 'after');
    await until(() => texts(other, group).includes('after'), 'what comes after');
  });

  it.each([false, true])('gives a device no box with a new key (the one of before: %s): not laid to its being away', async (old) => {
    const { handle, first, group } = await member(browser);
    const other = await second(victim, { handle, first });
    await arm('WithholdBox', { old });
    await rotate(first);
    await expect(other.devices.list()).rejects.toMatchObject({ code: 'KEYS_WITHHELD' });
    expect(other.store.getState().phase).toBe('no-keys');
    expect(other.store.getState().notice).toMatch(/^This device was not given your new keys, although it was not away for long: the server withholds them,/);
    await arm();
    // The same way out as for one that was away.
    await other.signIn({ handle, password: PASSWORD });
    await letIn(first, other);
    expect(other.store.getState().notice).toBeNull();
    await until(() => texts(other, group).includes('before'), 'the history');
    await until(async () => (await first.devices.list()).length === 2, 'that the device without keys is gone');
  });

  it('swaps the seal of another device before a rotation: it gets no box', async () => {
    const { handle, first, group } = await member(victim);
    const other = await second(browser, { handle, first });
    expect(await first.devices.list()).toHaveLength(2);
    await arm('SwapDeviceSeal');
    await expect(rotate(first)).rejects.toMatchObject({ code: 'UNTRUSTED', message: expect.stringMatching(/^The keys that the server shows for your devices do not verify\. /) as string });
    await arm();
    await rotate(first);
    expect(await other.devices.list()).toHaveLength(2);
    await says(group, 'after');
    await until(() => texts(other, group).includes('after'), 'what comes after');
  });

  it.each(['withheld', 'swapped', 'renumbered'])('gives wraps that do not fit (%s): they open nothing', async (how) => {
    const { handle, first, group } = await member(browser);
    await ada.changeRole(group, conversation(ada, group).participants.find(({ person }) => person.handle === handle)?.person.id ?? '', 'ADMIN');
    await says(group, 'between');
    await until(() => texts(first, group).includes('between'), 'the message');
    const words = await rotate(first);
    await arm('Wraps', { how });
    const name = `${handle}-2`;
    const fresh = await guest(keep(victim(name)), handle);
    await fresh.recovery.recover(words);
    await ready(fresh);
    await until(() => group in fresh.store.getState().conversations, 'the group');
    expect(texts(fresh, group)).toEqual([]);
    expect(new Set(unreadable(fresh, group).map(({ body }) => (body.kind === 'unreadable' ? body.reason : '')))).toEqual(new Set([REASONS.noKey]));
    fresh.stop();
    await arm();
    const again = keep(victim(name));
    await again.start();
    if (again.store.getState().phase === 'locked') await again.unlock(PASSWORD);
    await ready(again);
    await until(() => texts(again, group).length === 2, 'the history');
    expect(texts(again, group)).toEqual(['before', 'between']);
  });

  it.each(['none', 'unsigned', 'later', 'other', 'add'])('says without proof that this device was removed (%s): nothing is deleted', async (proof) => {
    const { handle, first, group } = await member(browser);
    if (proof === 'other') {
      const gone = await guest(keep(browser(`${handle}-gone`)), handle);
      await letIn(first, gone);
      await first.devices.revoke((await gone.devices.list()).find(({ isCurrent }) => isCurrent)?.id ?? '');
    }
    const other = await second(victim, { handle, first });
    await until(() => texts(other, group).includes('before'), 'the history');
    const databases = (await indexedDB.databases()).length;
    await arm('FakeRevocation', { handle, proof });
    await until(() => other.store.getState().notice !== null, 'the notice');
    expect(other.store.getState().notice).toBe(NOT_PROVEN);
    await until(() => other.store.getState().phase === 'locked', 'the end of the session');
    expect((await indexedDB.databases()).length).toBe(databases);
    expect(await other.knownAccount()).toMatchObject({ handle });
    await arm();
    await other.unlock(PASSWORD);
    await ready(other);
    expect(texts(other, group)).toContain('before');
    expect(await other.devices.list()).toHaveLength(2);
  });

  it('signs somebody in as somebody else: refused', async () => {
    const { handle, first, group } = await member(victim);
    await first.signOut();
    await arm('OtherMember');
    await expect(first.signIn({ handle, password: PASSWORD })).rejects.toMatchObject({
      code: 'UNTRUSTED',
      message: 'The server signed in somebody else by this name: not the account whose keys are on this browser.',
    });
    expect(first.store.getState().phase).toBe('signed-out');
    await arm();
    await first.signIn({ handle, password: PASSWORD });
    await ready(first);
    expect(texts(first, group)).toContain('before');
  });

  it('says that a message has expired before it can have: told, and nothing more is sent', async () => {
    const { first, group } = await member(victim);
    await first.openConversation(group);
    await arm('Expire');
    await says(group, 'withheld');
    await until(() => conversation(first, group).alarm !== null, 'the alarm');
    expect(conversation(first, group).alarm?.endsWith(ALARMS.withheld)).toBe(true);
    await first.send(group, 'nobody hears this').catch(() => undefined);
    await until(() => conversation(first, group).items.some(({ state }) => state === 'failed'), 'that nothing is sent');
    await arm();
    await first.trust.acceptState(group);
    expect(conversation(first, group).alarm).toBeNull();
    await until(() => texts(first, group).includes('withheld'), 'the message');
  });
});
