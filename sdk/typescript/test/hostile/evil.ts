/** The man in the middle that `tests/support/hostile.py` runs for a test. */
import { expect } from 'vitest';
import WebSocket from 'ws';
import { Client } from '../../src/engine/client';

const HOSTILE = process.env['CIRCLE_HOSTILE_ORIGIN'] ?? '';

async function order(what: Record<string, unknown>): Promise<void> {
  const answer = await fetch(`${HOSTILE}/hostile`, { method: 'POST', body: JSON.stringify(what) });
  expect(answer.status).toBe(200);
}

/** From now on the server does this to those who connect through it; nothing: it tells the truth. All connections are cut. */
export function arm(attack?: string, options: Record<string, unknown> = {}): Promise<void> {
  return order({ ...(attack === undefined ? {} : { attack, with: options }), cut: true });
}

/** Something that the test outside does, such as putting a backup in the server's place. */
export function outside(what: string): Promise<void> {
  return order({ do: what });
}

export function victim(name: string): Client {
  return new Client({ origin: HOSTILE, session: 'BEARER', databaseName: `circle-${name}`, webSocketImpl: WebSocket, tabStorage: null });
}
