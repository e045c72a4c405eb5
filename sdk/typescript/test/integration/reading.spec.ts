/** A new device reads everything that there is: `tests/e2e/test_typescript_devices.py` and `bench/recovery.py` write it. */
import { expect, it } from 'vitest';
import { makeEnvelopeId, openEnvelope, parseEnvelope, sealEnvelope, verifyEnvelope } from '../../src/crypto/protocol/envelope';
import { generateSigningKey, randomBytes } from '../../src/crypto/protocol/primitives';
import { browser, conversation, until } from './people';

const WORDS = (process.env['CIRCLE_TEST_WORDS'] ?? '').split(' ');
const PASSWORD = process.env['CIRCLE_TEST_PASSWORD'] ?? '';
const COUNT = Number(process.env['CIRCLE_TEST_COUNT'] ?? '0');

/** Seconds that the digests, signatures and keys of so many messages take, one after the other and nothing else. */
async function cryptography(count: number): Promise<number> {
  const [dk, branch, now] = [await generateSigningKey(), randomBytes(32), Date.now()];
  const some = { space: randomBytes(16), member: randomBytes(16), device: randomBytes(16) };
  const head = { n: 1, hash: randomBytes(32) };
  const header = { ...some, epoch: head, id: makeEnvelopeId(now, randomBytes(10)), n: 0, seen: head, kind: 1, ref: null, b: 0, time: now };
  const { bytes } = await sealEnvelope(header, new Map([[0, 'number 17 of this conversation, of an ordinary length, such as people write to each other']]), branch, dk);
  const start = performance.now();
  for (let index = 0; index < count; index += 1) {
    const envelope = await parseEnvelope(bytes);
    await verifyEnvelope(envelope, dk.publicKey);
    await openEnvelope(envelope, branch);
  }
  return performance.now() - start;
}

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
  const crypto = await cryptography(COUNT);
  process.stdout.write(`cryptography in it: ${seconds(0, crypto)} s, ${(crypto / (end - start)).toFixed(2)} of the whole\n`);
  process.stdout.write(`read ${COUNT}: ${seconds(start, end)} s, titles and newest after ${seconds(start, level)} s, ${((user + system) / 1e6).toFixed(2)} s of CPU\n`);
});
