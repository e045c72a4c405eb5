/** What may go wrong with devices: lost answers, crashes, long absence, cleared browsers, false proofs. */
import { afterAll, describe, expect, it, vi } from 'vitest';
import WebSocket from 'ws';
import { Client } from '../../src/engine/client';
import { browser, conversation, fragmentOf, losingAnswers, losingFirst, ORIGIN, PASSWORD, SETUP_TOKEN, signUp, texts, unreadable, until } from './people';

const DAY = 86_400_000;

/** A browser's cookie, for requests and sockets. */
function cookies() {
  let jar = '';
  const fetched: typeof fetch = async (input, init) => {
    const headers = new Headers(init?.headers);
    if (jar !== '') headers.set('cookie', jar);
    const answer = await fetch(input, { ...init, headers });
    for (const line of answer.headers.getSetCookie()) jar = line.split(';')[0] ?? '';
    return answer;
  };
  class WithCookie extends WebSocket {
    constructor(url: string, protocols?: string | string[]) {
      super(url, protocols, { headers: { cookie: jar, origin: ORIGIN } });
    }
  }
  return { fetch: fetched, webSocketImpl: WithCookie };
}

describe('devices, when things go wrong', () => {
  const clients: Client[] = [];
  const keep = (client: Client) => {
    clients.push(client);
    return client;
  };
  const open = (name: string, faults?: Parameters<typeof browser>[1]) => keep(browser(name, faults));
  let ada: Client;
  let words: string[];
  let talk: string;

  afterAll(() => {
    for (const client of clients) client.stop();
  });

  const guest = async (name: string, faults?: Parameters<typeof browser>[1]) => {
    const client = open(name, faults);
    await client.start();
    await client.signIn({ handle: 'ada', password: PASSWORD });
    return client;
  };
  const level = (client: Client) => until(() => client.store.getState().phase === 'ready' && !client.store.getState().syncing, 'level');
  const reads = async (client: Client, wanted: string[]) => {
    await level(client);
    await until(() => wanted.every((text) => texts(client, talk).includes(text)), 'the history');
    expect(unreadable(client, talk)).toEqual([]);
    expect(conversation(client, talk).alarm).toBeNull();
  };

  it('take every step once, although its first answer is lost', async () => {
    ada = open('ada', { fetch: losingFirst('AnswerDevice', 'RotateMemberKey', 'PublishDeviceSeal') });
    words = await signUp(ada, SETUP_TOKEN, 'ada', 'Ada');
    talk = await ada.createConversation({ type: 'GROUP', people: [], title: 'Notes' });
    await ada.send(talk, 'one');
    const linked = await guest('ada-linked', { fetch: losingFirst('OfferDevice') });
    const pending = await linked.devices.offer();
    await ada.devices.answer(await ada.devices.read(pending.qr));
    await pending.done;
    await reads(linked, ['one']);
    const recovered = await guest('ada-recovered', { fetch: losingFirst('RecoverDevice') });
    await recovered.recovery.recover(words);
    await reads(recovered, ['one']);
    expect(await ada.devices.list()).toHaveLength(3);
    const renewed = await ada.recovery.renew();
    await ada.recovery.confirm(renewed);
    ({ words } = renewed);
    await ada.send(talk, 'two');
    for (const client of [linked, recovered]) await reads(client, ['one', 'two']);
  });

  it('go on where they ended, when a recovery was done and nobody was told', async () => {
    const before = (await ada.devices.list()).length;
    const cut = await guest('ada-cut', { fetch: losingAnswers((body) => body.includes('mutation RecoverDevice(')) });
    await expect(cut.recovery.recover(words)).rejects.toMatchObject({ code: 'OFFLINE' });
    expect(cut.store.getState().phase).toBe('no-keys');
    cut.stop();
    const again = open('ada-cut');
    await again.start();
    expect(again.store.getState().phase).toBe('locked');
    await again.unlock(PASSWORD);
    await reads(again, ['one', 'two']);
    expect(await ada.devices.list()).toHaveLength(before + 1);
  });

  it('delete nothing on a proof that is none', async () => {
    let isLying = true;
    const forged = { body: btoa('no link'), signature: btoa('x'.repeat(64)), cosignature: null };
    const told = await guest('ada-told', {
      fetch: async (input, init) => {
        const isAsked = isLying && typeof init?.body === 'string' && init.body.includes('query Identities(');
        if (!isAsked || told.store.getState().phase !== 'ready') return fetch(input, init);
        const errors = [{ message: 'This device was revoked.', extensions: { code: 'DEVICE_REVOKED', link: forged } }];
        return new Response(JSON.stringify({ errors }), { status: 401, headers: { 'content-type': 'application/json' } });
      },
    });
    await told.recovery.recover(words).catch(() => undefined);
    await until(() => told.store.getState().notice !== null, 'the notice');
    expect(told.store.getState().notice).toContain('Nothing was deleted');
    isLying = false;
    if (told.store.getState().phase === 'locked') await told.unlock(PASSWORD);
    await reads(told, ['one', 'two']);
  });

  it('say so when a device was away for too long, and let it in again', async () => {
    const away = await guest('ada-away', { fetch: async (input, init) => {
      if (typeof init?.body === 'string' && init.body.includes('mutation PublishDeviceSeal(')) throw new TypeError('no network');
      return fetch(input, init);
    } });
    // Its seal is of 46 days ago, and it cannot publish another.
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 46 * DAY });
    const pending = await away.devices.offer();
    vi.useRealTimers();
    await ada.devices.answer(await ada.devices.read(pending.qr));
    await until(() => away.store.getState().phase === 'ready', 'the device is in');
    const before = (await ada.devices.list()).length;
    const renewed = await ada.recovery.renew();
    await ada.recovery.confirm(renewed);
    ({ words } = renewed);
    await ada.send(talk, 'three');
    await until(() => away.store.getState().phase === 'no-keys', 'left out');
    expect(away.store.getState().notice).toContain('more than 45 days');
    await expect(away.devices.offer()).rejects.toMatchObject({ code: 'PASSWORD_NEEDED' });
    away.stop();
    const back = open('ada-away');
    await back.start();
    expect(back.store.getState().notice).toContain('more than 45 days');
    await back.signIn({ handle: 'ada', password: PASSWORD });
    expect(back.store.getState().phase).toBe('no-keys');
    const again = await back.devices.offer();
    await ada.devices.answer(await ada.devices.read(again.words.join(' ')));
    await again.done;
    await reads(back, ['one', 'two', 'three']);
    expect(back.store.getState().notice).toBeNull();
    // What it was before is taken out: the number of devices is the same.
    await until(async () => (await back.devices.list()).length === before, 'the old one is out');
  });

  it('know by the session that the browser was cleared of everything', async () => {
    const jar = cookies();
    const own = (databaseName: string) => keep(new Client({ origin: ORIGIN, session: 'COOKIE', databaseName, tabStorage: null, ...jar }));
    const gina = own('circle-gina');
    const ginas = await signUp(gina, fragmentOf((await ada.createInvite(24)).url), 'gina', 'Gina');
    gina.stop();
    const cleared = own('circle-gina-cleared');
    await cleared.start();
    expect(cleared.store.getState()).toMatchObject({ phase: 'no-keys', me: { handle: 'gina' }, notice: expect.stringContaining('cleared') as string });
    await expect(cleared.recovery.recover(ginas)).rejects.toMatchObject({ code: 'PASSWORD_NEEDED' });
    await cleared.signIn({ handle: 'gina', password: PASSWORD });
    await cleared.recovery.recover(ginas);
    await level(cleared);
    // Only the server says which device that was: the person decides.
    await until(() => cleared.store.getState().notice?.includes('“Gina\'s test”') === true, 'the hint');
    const [old] = (await cleared.devices.list()).filter(({ isCurrent }) => !isCurrent);
    await cleared.devices.revoke(old?.id ?? '');
    expect(await cleared.devices.list()).toHaveLength(1);
  });

  it('begin anew once, although nobody was told that it was done', async () => {
    const cut = await guest('ada-reset', { fetch: losingAnswers((body) => body.includes('mutation RotateMemberKey(')) });
    const pending = await cut.recovery.reset(PASSWORD);
    await expect(cut.recovery.confirmReset(pending)).rejects.toMatchObject({ code: 'OFFLINE' });
    cut.stop();
    const again = open('ada-reset');
    await again.start();
    await again.unlock(PASSWORD);
    await level(again);
    expect((await again.devices.list()).map(({ isCurrent }) => isCurrent)).toEqual([true]);
    const other = await guest('ada-after');
    await expect(other.recovery.recover(words)).rejects.toMatchObject({ code: 'WRONG_RECOVERY_KEY' });
    await other.recovery.recover(pending.words);
    await level(other);
  });
});
