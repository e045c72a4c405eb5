import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { CloseCode, createClient, type Client } from 'graphql-ws';
import { CircleFailure } from '../errors';
import { documentText } from './http';

export interface SocketOptions {
  url: string;
  /** The bearer token, or null where the browser's cookie goes along with the handshake. */
  token: () => string | null;
  /** Where the platform has no WebSocket of its own: a class with its interface, as that of `ws`. */
  webSocketImpl?: unknown;
  /** Pings when nothing was heard for this long, and gives the connection up after as long again. */
  silence?: number;
}

const LOST = 'The connection to Circle was lost.';

/** One subscription's items, each as the server sent it; ends with the connection. Throws CircleFailure. */
export class Socket {
  readonly #options: SocketOptions;
  #client: Client | null = null;

  constructor(options: SocketOptions) {
    this.#options = options;
  }

  async *items<T, V extends Record<string, unknown>>(document: TypedDocumentNode<T, V>, variables: V): AsyncGenerator<T> {
    const client = this.#connect();
    try {
      for await (const result of client.iterate<T>({ query: documentText(document), variables })) {
        const [error] = result.errors ?? [];
        if (error) throw new CircleFailure(codeFrom(error.extensions) ?? 'REFUSED', error.message);
        if (result.data) yield result.data;
      }
    } catch (error) {
      throw asSocketFailure(error);
    } finally {
      this.close();
    }
  }

  /** A subscription beside that one, on the same connection; ends with it. Throws a CircleFailure, also without one. */
  async *beside<T, V extends Record<string, unknown>>(document: TypedDocumentNode<T, V>, variables: V, stop: AbortSignal): AsyncGenerator<T> {
    if (!this.#client) throw new CircleFailure('OFFLINE', LOST);
    const results = this.#client.iterate<T>({ query: documentText(document), variables });
    const end = () => { void results.return?.(); };
    stop.addEventListener('abort', end, { once: true });
    try {
      if (stop.aborted) return;
      for await (const result of results) {
        const [error] = result.errors ?? [];
        if (error) throw new CircleFailure(codeFrom(error.extensions) ?? 'REFUSED', error.message);
        if (result.data) yield result.data;
      }
    } catch (error) {
      throw asSocketFailure(error);
    } finally {
      stop.removeEventListener('abort', end);
      end();
    }
  }

  close(): void {
    const client = this.#client;
    this.#client = null;
    client?.terminate();
  }

  /** The caller reconnects with its newest cursor, so the library itself must never resubscribe with an old one. */
  #connect(): Client {
    this.close();
    const silence = this.#options.silence ?? 15_000;
    let overdue: ReturnType<typeof setTimeout> | undefined;
    const client: Client = createClient({
      url: this.#options.url,
      ...(this.#options.webSocketImpl === undefined ? {} : { webSocketImpl: withoutThrowing(this.#options.webSocketImpl) }),
      connectionParams: () => {
        const token = this.#options.token();
        return token === null ? undefined : { authorization: `Bearer ${token}` };
      },
      retryAttempts: 0,
      keepAlive: silence,
      connectionAckWaitTimeout: silence,
      on: {
        ping: (received) => {
          if (!received) overdue = setTimeout(() => { client.terminate(); }, silence);
        },
        pong: (received) => {
          if (received) clearTimeout(overdue);
        },
        closed: () => { clearTimeout(overdue); },
      },
    });
    this.#client = client;
    return client;
  }
}

/**
 * The same class, whose sockets never end the process. Given up while it connects, a socket of `ws` emits an error
 * after graphql-ws took its listener away, and an error of an emitter that nobody listens to is thrown.
 */
function withoutThrowing(impl: unknown): unknown {
  return class extends (impl as typeof WebSocket) {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      this.addEventListener('error', () => undefined);
    }
  };
}

function codeFrom(extensions: unknown): string | undefined {
  if (typeof extensions !== 'object' || extensions === null || !('code' in extensions)) return undefined;
  return typeof extensions.code === 'string' ? extensions.code : undefined;
}

function asSocketFailure(error: unknown): CircleFailure {
  if (error instanceof CircleFailure) return error;
  if (Array.isArray(error)) {
    const [first] = error as { message: string; extensions?: unknown }[];
    if (first) return new CircleFailure(codeFrom(first.extensions) ?? 'REFUSED', first.message);
  }
  if (typeof error === 'object' && error !== null && 'code' in error) {
    if (error.code === CloseCode.Unauthorized || error.code === CloseCode.Forbidden) {
      return new CircleFailure('UNAUTHENTICATED', 'Please sign in again.');
    }
  }
  return new CircleFailure('OFFLINE', LOST);
}
