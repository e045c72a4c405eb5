/** A new device reads everything that there is: `tests/e2e/test_typescript_devices.py` and `bench/recovery.py` write it. */
import { expect, it } from 'vitest';
import { browser, conversation, until } from './people';

const WORDS = (process.env['CIRCLE_TEST_WORDS'] ?? '').split(' ');
const PASSWORD = process.env['CIRCLE_TEST_PASSWORD'] ?? '';
const COUNT = Number(process.env['CIRCLE_TEST_COUNT'] ?? '0');

it('opens every message with the recovery key alone', { timeout: 600_000 }, async () => {
  const client = browser('reader');
  await client.start();
  await client.signIn({ handle: 'ada', password: PASSWORD });
  const start = performance.now();
  const cpu = process.cpuUsage();
  await client.recovery.recover(WORDS);
  await until(() => client.store.getState().phase === 'ready' && !client.store.getState().syncing, 'level');
  const level = performance.now();
  await Promise.all(
    client.store.getState().order.map(async (id) => {
      await client.openConversation(id);
      while (conversation(client, id).hasOlder) await client.loadOlder(id);
    }),
  );
  const end = performance.now();
  const { user, system } = process.cpuUsage(cpu);
  const lines = client.store.getState().order.flatMap((id) => conversation(client, id).items);
  client.stop();
  expect(lines.filter(({ body }) => body.kind === 'unreadable')).toEqual([]);
  expect(lines.filter(({ body }) => body.kind === 'text')).toHaveLength(COUNT);
  const seconds = (from: number, to: number) => ((to - from) / 1000).toFixed(2);
  process.stdout.write(`read ${COUNT}: ${seconds(start, end)} s, titles and newest after ${seconds(start, level)} s, ${((user + system) / 1e6).toFixed(2)} s of CPU\n`);
});
