/** Several devices of one member, all on the TypeScript SDK: `tests/e2e/test_typescript_devices.py` starts the server. */
import { deleteDB } from 'idb';
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
  let newWords: string[] = [];
  /** A new recovery key, noted down. */
  const noted = async (client: Client) => {
    const pending = await client.recovery.renew();
    newWords = pending.words;
    return pending;
  };
  /** As when a browser clears what a page has kept, but for its small list of accounts. */
  const forget = async (prefix: string) => {
    for (const { name } of await indexedDB.databases()) if (name?.startsWith(prefix)) await deleteDB(name);
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

  it('link by the text of a QR code, after a rotation', async () => {
    await ada.recovery.confirm(await noted(ada));
    await ada.send(talk, 'six');
    const third = await link(ada, 'ada', 'ada-3', 'qr');
    await until(() => texts(third, talk).length === 6, 'the history');
    expect((await all(third, talk)).at(-1)).toBe('six');
    expect(unreadable(third, talk)).toEqual([]);
    expect((await ada.devices.list()).map(({ name, isCurrent }) => ({ name, isCurrent }))).toEqual([
      { name: "Ada's test", isCurrent: true },
      { name: 'Circle client', isCurrent: false },
      { name: 'Circle client', isCurrent: false },
    ]);
  });

  it('let nobody in with a wrong code', async () => {
    const fresh = await guest('ada', 'ada-wrong');
    const pending = await fresh.devices.offer();
    await expect(bob.devices.read(pending.words.join(' '))).rejects.toMatchObject({ code: 'LINK_NOT_FOUND' });
    await expect(ada.devices.read('abandon '.repeat(11) + 'about')).rejects.toMatchObject({ code: 'LINK_NOT_FOUND' });
    await expect(ada.devices.read('abandon '.repeat(11) + 'circel')).rejects.toMatchObject({ code: 'BAD_WORDS', message: expect.stringContaining('Word 12, “circel”') as string });
    await expect(ada.devices.read('circle-link:AAAA')).rejects.toMatchObject({ code: 'BAD_WORDS' });
    const request = await ada.devices.read(pending.qr);
    expect(request.deviceName).toBe('Circle client');
    pending.cancel();
    await expect(pending.done).rejects.toMatchObject({ code: 'LINK_CANCELLED' });
    expect(fresh.store.getState().phase).toBe('no-keys');
    // Words can be shown again at once.
    const again = await fresh.devices.offer();
    expect(again.words).not.toEqual(pending.words);
    await ada.devices.answer(await ada.devices.read(again.words.join(' ')));
    await again.done;
    await ready(fresh);
    expect(texts(fresh, talk)).toContain('six');
  });

  it('open everything with the recovery key alone, and with no other words', async () => {
    const before = (await ada.devices.list()).length;
    const fresh = await guest('ada', 'ada-recovered');
    await expect(fresh.recovery.recover(adaWords)).rejects.toMatchObject({ code: 'WRONG_RECOVERY_KEY' });
    const swapped = [...adaWords.slice(1), adaWords[0] ?? ''];
    await expect(fresh.recovery.recover(swapped)).rejects.toMatchObject({ code: 'BAD_WORDS' });
    await expect(fresh.recovery.recover(newWords.slice(1))).rejects.toMatchObject({ code: 'BAD_WORDS', message: expect.stringContaining('it takes 24') as string });
    await expect(fresh.recovery.recover([...newWords.slice(0, 6), 'foo', ...newWords.slice(7)])).rejects.toMatchObject({ message: expect.stringContaining('Word 7, “foo”') as string });
    expect(fresh.store.getState().phase).toBe('no-keys');
    expect(await ada.devices.list()).toHaveLength(before);
    await fresh.recovery.recover(newWords.map((word) => ` ${word.toUpperCase()} `));
    await ready(fresh);
    await until(() => fresh.store.getState().recoveryKeyConfirmed, 'no reminder');
    expect((await all(fresh, talk)).toSorted()).toEqual(['five', 'four', 'one', 'six', 'three', 'two']);
    expect(unreadable(fresh, talk)).toEqual([]);
    await fresh.send(talk, 'recovered');
    await until(() => texts(bob, talk).includes('recovered'), 'the message of the recovered');
  });

  it('follow one another through rotations that race', async () => {
    const [first, second] = [ada, clients.find((client) => client !== ada && client.store.getState().me?.handle === 'ada') ?? ada];
    const keys = await Promise.all([first.recovery.renew(), second.recovery.renew()]);
    await Promise.all([first.recovery.confirm(keys[0]), second.recovery.confirm(keys[1])]);
    for (const client of [first, second]) {
      await client.send(talk, `after the race ${clients.indexOf(client)}`);
      await allSent(client, talk);
    }
    await until(() => texts(bob, talk).filter((text) => text.startsWith('after the race')).length === 2, 'both');
    for (const client of clients) {
      if (client.store.getState().phase !== 'ready') continue;
      expect(unreadable(client, talk)).toEqual([]);
      expect(conversation(client, talk).alarm).toBeNull();
    }
  });

  it('write and change members after another device was let in', async () => {
    const second = clients.find((client) => client !== ada && client.store.getState().me?.handle === 'ada' && client.store.getState().phase === 'ready') ?? ada;
    await link(ada, 'ada', 'ada-5');
    await second.send(talk, 'unaware');
    await allSent(second, talk);
    await link(ada, 'ada', 'ada-6');
    const other = await second.createConversation({ type: 'GROUP', people: [], title: 'Own' });
    await link(ada, 'ada', 'ada-7');
    await second.addPeople(other, [(await second.searchPeople('bob'))[0]?.id ?? '']);
    await until(() => other in bob.store.getState().conversations, 'the new member');
  });

  it('wipe what another device has taken out, and nothing else', async () => {
    const gone = clients.find((client) => client !== ada && client.store.getState().me?.handle === 'ada' && client.store.getState().phase === 'ready') ?? ada;
    const [target] = (await gone.devices.list()).filter(({ isCurrent }) => isCurrent);
    const [own] = (await ada.devices.list()).filter(({ isCurrent }) => isCurrent);
    await expect(ada.devices.revoke(own?.id ?? '')).rejects.toMatchObject({ code: 'INVALID' });
    await ada.devices.rename(target?.id ?? '', '  The lost phone ');
    expect((await ada.devices.list()).map(({ name }) => name)).toContain('The lost phone');
    const before = (await ada.devices.list()).length;
    const databases = (await indexedDB.databases()).length;
    await ada.devices.revoke(target?.id ?? '');
    await until(() => gone.store.getState().phase === 'signed-out', 'the end of the device');
    expect(gone.store.getState().notice).toBe('This device was removed from your account by another of your devices. What it held was deleted.');
    expect(await gone.knownAccount()).toBeNull();
    expect((await indexedDB.databases()).length).toBe(databases - 1);
    expect(await ada.devices.list()).toHaveLength(before - 1);
    await bob.send(talk, 'without it');
    await ada.send(talk, 'indeed');
    for (const client of [ada, bob]) await until(() => ['without it', 'indeed'].every((text) => texts(client, talk).includes(text)), 'the others go on');
    await gone.start();
    expect(gone.store.getState().phase).toBe('signed-out');
  });

  it('say so when the browser has cleared the keys, and replace the device that was lost', async () => {
    const { client: dora, words } = await join('dora', 'Dora');
    const [found] = await ada.searchPeople('dora');
    const direct = await ada.createConversation({ type: 'DIRECT', people: [found?.id ?? ''] });
    await ada.send(direct, 'before the loss');
    await until(() => texts(dora, direct).length === 1, 'the message');
    dora.stop();
    await forget('circle-dora-');
    const again = open('dora');
    await again.start();
    expect(again.store.getState()).toMatchObject({ phase: 'signed-out', notice: expect.stringContaining('cleared') as string });
    await again.signIn({ handle: 'dora', password: PASSWORD });
    expect(again.store.getState()).toMatchObject({ phase: 'no-keys', notice: expect.stringContaining('recovery key') as string });
    await again.recovery.recover(words);
    await ready(again);
    expect(again.store.getState().notice).toBeNull();
    await until(() => texts(again, direct).includes('before the loss'), 'the history');
    await until(async () => (await again.devices.list()).length === 1, 'the lost device is out');
    expect(await again.devices.list()).toMatchObject([{ isCurrent: true }]);
    await again.send(direct, 'and after');
    await until(() => texts(ada, direct).includes('and after'), 'the answer');
  });

  it('notice cleared keys also when they are unlocked, and let another device help', async () => {
    const { client: emil } = await join('emil', 'Emil');
    const second = await link(emil, 'emil', 'emil-2');
    second.stop();
    await forget('circle-emil-2-');
    const again = open('emil-2');
    await expect(again.unlock(PASSWORD)).resolves.toBeUndefined();
    expect(again.store.getState().phase).toBe('signed-out');
    const third = await link(emil, 'emil', 'emil-2');
    await until(async () => (await third.devices.list()).length === 2, 'the lost device is out');
  });

  it('begin anew when everything is lost, and come back after being let in again', async () => {
    const { client: fritz } = await join('fritz', 'Fritz');
    const [found] = await ada.searchPeople('fritz');
    const group = await ada.createConversation({ type: 'GROUP', people: [found?.id ?? ''], title: 'With Fritz' });
    await ada.send(group, 'before the reset');
    await until(() => texts(fritz, group).includes('before the reset'), 'the message');
    const fresh = await guest('fritz', 'fritz-2');
    await expect(fresh.recovery.reset('not the password')).rejects.toMatchObject({ code: 'WRONG_PASSWORD' });
    const pending = await fresh.recovery.reset(PASSWORD);
    expect(pending.words).toHaveLength(24);
    expect(fresh.store.getState().phase).toBe('no-keys');
    expect(await fritz.devices.list()).toHaveLength(1);
    await fresh.recovery.confirmReset(pending);
    await ready(fresh);
    // Anybody could sign a reset: it ends the old device's session, and deletes nothing.
    await until(() => fritz.store.getState().phase === 'locked', 'the old device is out');
    expect(fritz.store.getState().notice).toContain('Nothing was deleted');
    expect((await fresh.devices.list()).map(({ isCurrent }) => isCurrent)).toEqual([true]);
    await until(() => conversation(ada, group).participants.some(({ person, changed }) => person.handle === 'fritz' && changed), 'the notice of the change');
    await ada.trust.readmit(group, found?.id ?? '');
    await ada.send(group, 'welcome back');
    await until(() => texts(fresh, group).includes('welcome back'), 'readmitted');
    await fresh.send(group, 'thanks');
    await until(() => texts(ada, group).includes('thanks'), 'heard again');
    expect(texts(fresh, group)).not.toContain('before the reset');
    // The new recovery key opens the account from now on.
    const third = await guest('fritz', 'fritz-3');
    await third.recovery.recover(pending.words);
    await ready(third);
    await until(() => texts(third, group).includes('thanks'), 'the history since');
  });
});
