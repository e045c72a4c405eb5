import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print, type DocumentNode } from 'graphql';
import { fromBase64 } from '../bytes';
import { asFailure, CircleFailure, DeviceRevoked, isUncertain } from '../errors';
import { backoff, pause } from './backoff';

export interface HttpOptions {
  endpoint: string;
  fetch: typeof fetch;
  /** The bearer token, or null where a cookie carries the session. */
  token: () => string | null;
  timeout?: number;
  tries?: number;
  /**
   * Called with every DEVICE_REVOKED before it is thrown: the server tells a browser once. Returns what is thrown
   * instead, where there is no proof.
   */
  onRevoked?: (error: DeviceRevoked) => Promise<CircleFailure>;
}

interface LinkText {
  body?: unknown;
  signature?: unknown;
  cosignature?: unknown;
}

interface GraphQLAnswer<T> {
  data?: T | null;
  errors?: { message: string; extensions?: { code?: string; retryAfter?: number; link?: LinkText } }[];
}

const LONGEST_WAIT = 10_000;
const UNREACHABLE = "Circle can't be reached right now. Please check your connection and try again.";
const SLOW = 'Circle took too long to answer. Please try again.';
const BROKEN = 'The server had a problem. Please try again in a moment.';

const printed = new WeakMap<object, string>();

/** A document's text, printed once. */
export function documentText(document: DocumentNode): string {
  let text = printed.get(document);
  if (text === undefined) {
    text = print(document);
    printed.set(document, text);
  }
  return text;
}

/** GraphQL over HTTP: a timeout for each try, and a bounded number of tries where asking twice does no harm. */
export class Http {
  readonly #options: HttpOptions;

  constructor(options: HttpOptions) {
    this.#options = options;
  }

  /**
   * Runs a query, or a mutation that may safely be asked twice. Failures of the network and of the server are tried
   * again, with growing pauses; throws CircleFailure.
   */
  async ask<T, V>(document: TypedDocumentNode<T, V>, variables: V, signal?: AbortSignal): Promise<T> {
    const tries = this.#options.tries ?? 3;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.once(document, variables, signal);
      } catch (error) {
        if (!isUncertain(error) || attempt + 1 >= tries || signal?.aborted) throw error;
        const { retryAfter } = asFailure(error);
        await pause(retryAfter === undefined ? backoff(attempt) : Math.min(retryAfter * 1000, LONGEST_WAIT), signal);
      }
    }
  }

  /** Runs a document exactly once. Throws CircleFailure. */
  async once<T, V>(document: TypedDocumentNode<T, V>, variables: V, signal?: AbortSignal): Promise<T> {
    const response = await this.#post(documentText(document), variables, signal);
    const retryAfter = Number(response.headers.get('retry-after'));
    let answer: GraphQLAnswer<T>;
    try {
      answer = (await response.json()) as GraphQLAnswer<T>;
    } catch {
      if (response.status === 429) throw new CircleFailure('RATE_LIMITED', 'Too many tries. Please wait a little and try again.', retryAfter > 0 ? { retryAfter } : {});
      throw new CircleFailure(response.status >= 500 ? 'SERVER' : 'REFUSED', BROKEN);
    }
    const [first] = answer.errors ?? [];
    if (first) {
      const code = first.extensions?.code ?? (response.status >= 500 ? 'SERVER' : 'REFUSED');
      if (code === 'DEVICE_REVOKED') {
        const revoked = new DeviceRevoked(proofOf(first.extensions?.link));
        throw (await this.#options.onRevoked?.(revoked)) ?? revoked;
      }
      const wait = first.extensions?.retryAfter ?? (retryAfter > 0 ? retryAfter : undefined);
      throw new CircleFailure(code, first.message, wait === undefined ? {} : { retryAfter: wait });
    }
    if (answer.data === undefined || answer.data === null) throw new CircleFailure('SERVER', BROKEN);
    return answer.data;
  }

  async #post(query: string, variables: unknown, signal?: AbortSignal): Promise<Response> {
    const token = this.#options.token();
    const deadline = AbortSignal.timeout(this.#options.timeout ?? 20_000);
    try {
      return await this.#options.fetch(this.#options.endpoint, {
        method: 'POST',
        credentials: 'same-origin',
        headers: {
          'content-type': 'application/json',
          accept: 'application/graphql-response+json, application/json',
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        },
        body: JSON.stringify({ query, variables }),
        signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
      });
    } catch {
      if (deadline.aborted) throw new CircleFailure('TIMEOUT', SLOW);
      throw new CircleFailure('OFFLINE', UNREACHABLE);
    }
  }
}

/** The link in its bytes; null where the server sent none that could be one. */
function proofOf(link: LinkText | undefined): DeviceRevoked['proof'] {
  if (typeof link?.body !== 'string' || typeof link.signature !== 'string') return null;
  try {
    const cosignature = typeof link.cosignature === 'string' ? fromBase64(link.cosignature) : null;
    return { body: fromBase64(link.body), signature: fromBase64(link.signature), cosignature };
  } catch {
    return null;
  }
}
