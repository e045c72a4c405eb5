/**
 * Subscriptions to what passes: they share the durable stream's connection, live no longer than it, and begin anew with
 * the next one. Whatever fails in them is nobody's business but their own.
 */
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { backoff, pause } from '../transport/backoff';
import type { Socket } from '../transport/socket';

/** Between tries on one connection, in milliseconds: nobody waits for these. */
const FIRST = 1_000;
const MOST = 60_000;

export class Live {
  readonly #socket: Pick<Socket, 'beside'>;
  #connection: AbortController | null = null;

  constructor(socket: Pick<Socket, 'beside'>) {
    this.#socket = socket;
  }

  get isConnected(): boolean {
    return this.#connection !== null;
  }

  /** The durable stream runs. */
  connected(): void {
    this.#connection ??= new AbortController();
  }

  lost(): void {
    this.#connection?.abort();
    this.#connection = null;
  }

  /** Follows until the connection or the follower ends, through failures. What is returned ends it. */
  follow<T, V extends Record<string, unknown>>(document: TypedDocumentNode<T, V>, variables: V, take: (item: T) => void): () => void {
    const own = new AbortController();
    const connection = this.#connection;
    if (connection) void this.#run(document, variables, take, AbortSignal.any([own.signal, connection.signal]));
    return () => { own.abort(); };
  }

  async #run<T, V extends Record<string, unknown>>(document: TypedDocumentNode<T, V>, variables: V, take: (item: T) => void, stop: AbortSignal): Promise<void> {
    for (let attempt = 0; !stop.aborted; attempt += 1) {
      try {
        for await (const item of this.#socket.beside(document, variables, stop)) {
          attempt = 0;
          take(item);
        }
      } catch {
        // Asked again after a while, or with the next connection.
      }
      await pause(backoff(attempt, FIRST, MOST), stop);
    }
  }
}
