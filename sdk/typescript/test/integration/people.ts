import 'fake-indexeddb/auto';
import { expect, vi } from 'vitest';
import WebSocket from 'ws';
import { Client } from '../../src/engine/client';
import type { ConversationState, TimelineItem } from '../../src/types';

export const ORIGIN = process.env['CIRCLE_TEST_ORIGIN'] ?? '';
export const SETUP_TOKEN = process.env['CIRCLE_TEST_SETUP_TOKEN'] ?? '';
export const PASSWORD = 'correct horse battery';

/** A client that is a browser of its own: its databases have a name of their own. */
export function browser(name: string, faults: { fetch?: typeof fetch; webSocketImpl?: unknown } = {}): Client {
  return new Client({ origin: ORIGIN, session: 'BEARER', databaseName: `circle-${name}`, webSocketImpl: WebSocket, tabStorage: null, ...faults });
}

/** A network that carries requests to the server but loses the answers to some of them. */
export function losingAnswers(isLost: (body: string) => boolean): typeof fetch {
  return async (input, init) => {
    const answer = await fetch(input, init);
    if (isLost(typeof init?.body === 'string' ? init.body : '')) throw new TypeError('the answer was lost');
    return answer;
  };
}

/** A network that loses the answer to the first request of each operation named. */
export function losingFirst(...operations: string[]): typeof fetch {
  const left = new Set(operations);
  return losingAnswers((body) => {
    const found = [...left].find((operation) => body.includes(`mutation ${operation}(`));
    return found !== undefined && left.delete(found);
  });
}

/** Sockets that ask to go on from a place that no server knows, once. */
export function forgetting(): unknown {
  let isDone = false;
  return class Forgetting extends WebSocket {
    override send(data: string): void {
      const message = JSON.parse(data) as { type: string; payload?: { variables?: { after?: string | null } } };
      if (!isDone && message.type === 'subscribe' && message.payload?.variables?.after) {
        isDone = true;
        message.payload.variables.after = 'bm8gc3VjaCBwbGFjZQ';
      }
      super.send(JSON.stringify(message));
    }
  };
}

/** Sockets that a test can cut. */
export function cuttable(): { webSocketImpl: unknown; cut: () => void } {
  const open = new Set<WebSocket>();
  class Cuttable extends WebSocket {
    constructor(url: string, protocols?: string | string[]) {
      super(url, protocols);
      open.add(this);
    }
  }
  return {
    webSocketImpl: Cuttable,
    cut: () => {
      for (const socket of open) socket.terminate();
      open.clear();
    },
  };
}

export function personIn(client: Client, id: string, handle: string): string {
  return conversation(client, id).participants.find(({ person }) => person.handle === handle)?.person.id ?? '';
}

/** Waits until nothing of one's own waits to be sent. */
export async function allSent(client: Client, id: string): Promise<void> {
  const unsent = () => conversation(client, id).items.flatMap(({ state, error, body }) => (state === 'sent' ? [] : [{ state, error, body }]));
  await vi.waitFor(() => { expect(unsent()).toEqual([]); }, { timeout: 30_000, interval: 30 });
}

export async function signUp(client: Client, fragment: string, handle: string, displayName: string): Promise<string[]> {
  await client.start();
  const pending = await client.prepareSignUp({ fragment, handle, displayName, password: PASSWORD, deviceName: `${displayName}'s test` });
  await client.completeSignUp(pending);
  await until(() => client.store.getState().phase === 'ready' && !client.store.getState().syncing);
  return pending.words;
}

export function fragmentOf(url: string): string {
  return new URL(url).hash.slice(1);
}

export async function until(condition: () => boolean | Promise<boolean>, what = 'the condition'): Promise<void> {
  await vi.waitFor(async () => { expect(await condition(), what).toBe(true); }, { timeout: 30_000, interval: 30 });
}

export function conversation(client: Client, id: string): ConversationState {
  const found = client.store.getState().conversations[id];
  if (!found) throw new Error('This conversation is not there.');
  return found;
}

export function texts(client: Client, id: string): string[] {
  const found = client.store.getState().conversations[id];
  return (found?.items ?? []).flatMap(({ body }) => (body.kind === 'text' ? [body.text] : []));
}

export function notices(client: Client, id: string): string[] {
  return conversation(client, id).items.flatMap(({ body }) => (body.kind === 'notice' ? [body.text] : []));
}

export function unreadable(client: Client, id: string): TimelineItem[] {
  return conversation(client, id).items.filter(({ body }) => body.kind === 'unreadable');
}
