/** One connection for what is durable and for what passes: neither order nor cursor depend on the other. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import { toBase64 } from '../../src/bytes';
import type { Keeper } from '../../src/crypto';
import type { Api } from '../../src/engine/api';
import type { Learner } from '../../src/engine/learner';
import { Sync } from '../../src/engine/sync';
import { EventsDocument, TypingDocument } from '../../src/gql/generated';
import { Board } from '../../src/state/board';
import { createCircleStore } from '../../src/state/store';
import { Socket } from '../../src/transport/socket';
import { viewOf } from './views';

interface Message {
  id?: string;
  type: string;
  payload?: { query: string };
}

describe('a socket', () => {
  let server: WebSocketServer;
  let connection: WebSocket;
  let heard: Message[];
  let socket: Socket;
  const never = new AbortController().signal;
  const idOf = (name: string) => heard.find(({ type, payload }) => type === 'subscribe' && payload?.query.includes(`subscription ${name}`))?.id;
  const subscribed = (name: string) => vi.waitFor(() => { expect(idOf(name)).toBeDefined(); });
  const send = (name: string, type: string, payload?: unknown) => { connection.send(JSON.stringify({ id: idOf(name), type, payload })); };

  beforeEach(async () => {
    heard = [];
    server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'graphql-transport-ws' });
    await once(server, 'listening');
    server.on('connection', (opened) => {
      connection = opened;
      opened.on('message', (data: Buffer) => {
        const message = JSON.parse(data.toString()) as Message;
        heard.push(message);
        if (message.type === 'connection_init') opened.send(JSON.stringify({ type: 'connection_ack' }));
      });
    });
    socket = new Socket({ url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, token: () => null, webSocketImpl: WebSocket });
  });
  afterEach(() => {
    socket.close();
    for (const client of server.clients) client.terminate();
    server.close();
  });

  it('carries what passes beside what is durable, and loses nothing durable when that fails', async () => {
    const durable = socket.items(EventsDocument, { after: null });
    const first = durable.next();
    await subscribed('Events');
    const passing = socket.beside(TypingDocument, {}, never);
    const typed = passing.next();
    await subscribed('Typing');
    expect(server.clients.size).toBe(1);
    send('Typing', 'next', { data: { typing: 'somebody' } });
    expect((await typed).value).toEqual({ typing: 'somebody' });
    const failed = passing.next();
    send('Typing', 'error', [{ message: 'Too many.', extensions: { code: 'RATE_LIMITED' } }]);
    await expect(failed).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    const events = { __typename: 'CaughtUp', cursor: 'here' };
    send('Events', 'next', { data: { events } });
    expect((await first).value).toEqual({ events });
    expect(server.clients.size).toBe(1);
    await durable.return(undefined);
  });

  it('is given up while it connects, and nothing is thrown into the process', async () => {
    const first = socket.items(EventsDocument, { after: null }).next();
    await new Promise((resolve) => { process.nextTick(resolve); });
    socket.close();
    await expect(first).rejects.toMatchObject({ code: 'OFFLINE' });
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  });

  it('ends what passes when it is told to, and with the durable stream', async () => {
    await expect(socket.beside(TypingDocument, {}, never).next()).rejects.toMatchObject({ code: 'OFFLINE' });
    const durable = socket.items(EventsDocument, { after: null });
    const first = durable.next();
    await subscribed('Events');
    const stop = new AbortController();
    const one = socket.beside(TypingDocument, {}, stop.signal).next();
    await subscribed('Typing');
    stop.abort();
    expect((await one).done).toBe(true);
    await vi.waitFor(() => { expect(heard.filter(({ type }) => type === 'complete')).toHaveLength(1); });
    const other = socket.beside(TypingDocument, {}, never).next();
    await vi.waitFor(() => { expect(heard.filter(({ type }) => type === 'subscribe')).toHaveLength(3); });
    connection.terminate();
    await expect(other).rejects.toMatchObject({ code: 'OFFLINE' });
    await expect(first).rejects.toMatchObject({ code: 'OFFLINE' });
  });
});

describe('a stream', () => {
  const id = toBase64(new Uint8Array(16));
  const space = { __typename: 'Conversation', id: 'n1', protocolId: id };
  const event = (seq: number) => ({ __typename: 'EventDelivery', cursor: `c${seq}`, event: { __typename: 'EnvelopeEvent', seq, item: id, logHash: id, acceptedAt: '2026-11-23T10:00:00Z', envelope: null, space } });
  const marker = (version: number, cursor: string) => ({
    __typename: 'MarkerDelivery', cursor,
    marker: { scope: 'RECEIPT', version, envelope: null, acceptedAt: '2026-11-23T10:00:00Z', member: { protocolId: id }, conversation: { id: 'n1', protocolId: id } },
  });
  const caughtUp = (cursor: string) => ({ __typename: 'CaughtUp', cursor });

  /** Runs the stream's items through, and notes what is stored under which cursor. */
  async function run(connections: unknown[][], cursor: string | null = 'before'): Promise<{ stored: string[]; lost: number }> {
    const stored: string[] = [];
    let lost = 0;
    let kept = cursor;
    const keep = (what: string, next: string | null) => {
      kept = next ?? kept;
      stored.push(`${what} @${next ?? '-'}`);
      return Promise.resolve([]);
    };
    const keeper = {
      cursor: () => Promise.resolve(kept),
      keepCursor: (next: string | null) => {
        kept = next;
        stored.push('forgets');
        return Promise.resolve();
      },
      apply: async (events: { seq: number }[], next: string | null) => {
        await keep(`events ${events.map(({ seq }) => seq).join(' ')}`, next);
        return [{ view: viewOf({ space: '00'.repeat(16), head: events.at(-1)?.seq ?? 5 }), items: [], gone: [] }];
      },
      applyMarkers: (all: { version: number }[], next: string | null, isAfresh = false) => keep(`markers ${all.map(({ version }) => version).join(' ')}${isAfresh ? ' afresh' : ''}`, next),
      checkListed: () => Promise.resolve([]),
      checkHead: () => Promise.resolve(null),
    } as unknown as Keeper;
    const board = new Board(createCircleStore());
    board.apply([{ view: viewOf({ space: '00'.repeat(16), head: 5 }), items: [], gone: [] }]);
    const learner = { prepare: () => Promise.resolve(), prepareMarkers: () => Promise.resolve() } as unknown as Learner;
    const after: unknown[] = [];
    const socket = {
      async *items(_document: unknown, variables: { after: string | null }) {
        after.push(variables.after);
        const items = connections.shift();
        if (!items) await new Promise(() => undefined);
        for (const one of items ?? []) {
          await Promise.resolve();
          yield { events: one };
        }
      },
      close: () => undefined,
    } as unknown as Socket;
    const heads = () => Promise.resolve([{ space: '00'.repeat(16), node: 'n1', head: 5, headHash: new Uint8Array(), isAccount: false }]);
    const markers = () => Promise.resolve([{ version: 70 }, { version: 71 }] as never);
    const sync = new Sync({
      api: { heads } as unknown as Api, reading: { markers }, socket, keeper, learner, board,
      events: { beforeStream: () => Promise.resolve(), onSignedOut: () => undefined, onLost: () => { lost += 1; }, onAccount: () => undefined, onLevel: () => undefined },
    });
    const count = connections.length;
    sync.start();
    await vi.waitFor(() => { expect(after).toHaveLength(count + 1); }, { timeout: 10_000 });
    sync.stop();
    return { stored: [...stored, `asks after ${String(after.at(-1))}`], lost };
  }

  it('is stored in its order, each run with the cursor that it ends with', async () => {
    const { stored, lost } = await run([[event(6), event(7), marker(1, 'm1'), marker(2, 'm2'), event(8), caughtUp('end'), marker(3, 'm3')]]);
    // How items fall together into runs depends on when they arrive; their order and the cursors do not.
    expect(stored.join(' | ')).toMatch(/^events 6.*7 @c7 \| markers 1.*2 @m2 \| events 8 @(c8 \| events {2}@end|end) \| markers 3 @m3 \| asks after m3$/);
    expect(lost).toBe(1);
  });

  it('that cannot go on fetches all marks afresh before anything else is stored', async () => {
    const { stored } = await run([[{ __typename: 'ResyncRequired', message: 'Gone.' }], [caughtUp('new')]]);
    expect(stored).toEqual(['forgets', 'markers 70 71 afresh @-', 'events  @new', 'asks after new']);
  });
});
