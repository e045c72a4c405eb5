/**
 * Commands from another process, one JSON object a line: {id, do, device, ...}; the answer is {id, ok} or
 * {id, error: {code, message}}. Commands run side by side; answers come as they are ready. Bytes are {"$bytes": base64}.
 */
import 'fake-indexeddb/auto';
import type { Readable, Writable } from 'node:stream';
import { createInterface } from 'node:readline';
import { toBase64 } from '../../src/bytes';
import { codeOf } from '../../src/errors';
import { commands, killed, type Command } from './commands';

export async function serve(input: Readable, output: Writable): Promise<void> {
  process.on('unhandledRejection', (reason) => {
    process.stderr.write(`unhandled: ${reason instanceof Error ? (reason.stack ?? reason.message) : String(reason)}\n`);
  });
  const answer = (value: object) => output.write(`${JSON.stringify(value, plain)}\n`);
  for await (const line of createInterface({ input })) {
    const command = JSON.parse(line) as Command & { id: number };
    void run(command).then(
      (ok) => answer({ id: command.id, ok: ok ?? null }),
      (error: unknown) => answer({ id: command.id, error: failure(error) }),
    );
  }
}

async function run(command: Command): Promise<unknown> {
  const task = commands[command.do];
  if (!task) throw new Error(`There is no command ${command.do}.`);
  const deaths = killed(command);
  return Promise.race([task(command), ...deaths]);
}

function failure(error: unknown): { code: string; message: string } {
  const message = error instanceof Error ? error.message : String(error);
  const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.stack ?? error.cause.message})` : '';
  const own = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : codeOf(error);
  return { code: own, message: `${message}${cause}` };
}

function plain(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? { $bytes: toBase64(value) } : value;
}
