/**
 * One member with devices on both SDKs: `tests/e2e/test_typescript_devices.py` plays the others, and what a person would
 * carry from screen to screen goes through files of a folder.
 */
import { access, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Client } from '../../src/engine/client';
import { allSent, browser, conversation, texts, unreadable, until } from './people';

const FOLDER = process.env['CIRCLE_TEST_FOLDER'] ?? '';
const PASSWORD = process.env['CIRCLE_TEST_PASSWORD'] ?? '';

async function show(name: string, text: string): Promise<void> {
  await writeFile(join(FOLDER, `${name}.part`), text);
  await rename(join(FOLDER, `${name}.part`), join(FOLDER, name));
}

async function see(name: string): Promise<string> {
  await until(() => access(join(FOLDER, name)).then(() => true, () => false), name);
  return readFile(join(FOLDER, name), 'utf8');
}

describe('a device beside one on the Python SDK', () => {
  const client: Client = browser('mixed');
  const tea = () => Object.values(client.store.getState().conversations).find(({ title }) => title === 'Tea')?.id ?? '';
  afterAll(() => { client.stop(); });

  it('is let in by it, and reads what there is', async () => {
    await client.start();
    await client.signIn({ handle: 'ada', password: PASSWORD });
    const pending = await client.devices.offer();
    await show('words', pending.words.join(' '));
    await pending.done;
    await until(() => texts(client, tea()).length === 2, 'the history');
    expect(texts(client, tea())).toEqual(['one', 'two']);
    await client.send(tea(), 'from typescript');
    await allSent(client, tea());
  });

  it('lets another one in', async () => {
    const code = await see('python-code');
    await client.devices.answer(await client.devices.read(code));
    await until(() => texts(client, tea()).includes('from the second python'), 'the message of the device let in');
    expect((await client.devices.list()).map(({ name }) => name).toSorted()).toEqual(['Circle client', 'Python', 'Python']);
  });

  it('replaces the recovery key, and follows rotations', async () => {
    const pending = await client.recovery.renew();
    await client.recovery.confirm(pending);
    await show('recovery', pending.words.join(' '));
    await until(() => texts(client, tea()).includes('from the recovered python'), 'the message of the recovered device');
    await client.send(tea(), 'after the rotations');
    await allSent(client, tea());
    expect(unreadable(client, tea())).toEqual([]);
    expect(conversation(client, tea()).alarm).toBeNull();
    await show('read', texts(client, tea()).join('\n'));
  });

  it('is wiped when the other one takes it out', async () => {
    await until(() => client.store.getState().phase === 'signed-out', 'the end');
    expect(client.store.getState().notice).toContain('What it held was deleted');
    expect(await client.knownAccount()).toBeNull();
  });
});
