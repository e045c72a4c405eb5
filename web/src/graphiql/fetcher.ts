import type { Fetcher } from '@graphiql/toolkit';
import { createClient, type Client } from 'graphql-ws';
import { getOperationAST, OperationTypeNode, parse, type ExecutionResult } from 'graphql';

type Subscribed = ExecutionResult<Record<string, unknown>, Record<string, unknown>>;

/** Where the explorer's requests go, and as whom: the browser's session, or a token that lives in memory alone. */
export interface Connection {
  fetcher: Fetcher;
  /** Uses this bearer token from now on; an empty one means the browser's session. */
  useToken(token: string): void;
}

/**
 * A connection to the server that served this page.
 *
 * Queries and mutations go over HTTP, subscriptions over graphql-transport-ws on the same path.
 */
export function connect(): Connection {
  let token = '';
  let socket: Client | null = null;

  const authorization = (): Record<string, string> =>
    token === '' ? {} : { authorization: `Bearer ${token}` };

  const open = (): Client => {
    socket ??= createClient({
      url: `${window.location.origin.replace(/^http/, 'ws')}/graphql`,
      connectionParams: authorization,
      lazy: true,
      retryAttempts: 3,
    });
    return socket;
  };

  const fetcher: Fetcher = (params, options) => {
    const { name, isSubscription } = chosen(params.query, params.operationName ?? null);
    const payload = { query: params.query, operationName: name, variables: (params.variables ?? {}) as Record<string, unknown> };
    if (isSubscription) return open().iterate(payload) as AsyncIterableIterator<Subscribed>;
    return request(payload, { ...(options?.headers as Record<string, string> | undefined), ...authorization() });
  };

  return {
    fetcher,
    useToken: (next) => {
      token = next.trim();
      void socket?.dispose();
      socket = null;
    },
  };
}

/**
 * The operation that is meant. GraphiQL learns the names in a document a moment after its text: right after a tab
 * was changed it can still send the name of the tab before, so a name that is not there counts as none.
 */
function chosen(query: string, name: string | null): { name: string | null; isSubscription: boolean } {
  try {
    const document = parse(query);
    const named = getOperationAST(document, name);
    const operation = named ?? getOperationAST(document, null);
    return { name: named ? name : null, isSubscription: operation?.operation === OperationTypeNode.SUBSCRIPTION };
  } catch {
    return { name, isSubscription: false }; // not GraphQL: the server says what is wrong with it
  }
}

async function request(params: unknown, headers: Record<string, string>): Promise<Subscribed> {
  try {
    const response = await fetch('/graphql', {
      method: 'POST',
      credentials: 'same-origin',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json, application/json;q=0.9',
        ...headers,
      },
      body: JSON.stringify(params),
      signal: AbortSignal.timeout(30_000),
    });
    return (await response.json()) as Subscribed;
  } catch (error) {
    const why = error instanceof DOMException && error.name === 'TimeoutError' ? 'took too long to answer' : 'did not answer';
    return { errors: [{ message: `The server ${why}. Is it running?` }] } as unknown as Subscribed;
  }
}
