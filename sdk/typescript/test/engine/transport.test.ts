import { afterEach, describe, expect, it, vi } from 'vitest';
import { ServerInfoDocument, SignOutDocument } from '../../src/gql/generated';
import { backoff, pause } from '../../src/transport/backoff';
import { Http } from '../../src/transport/http';

const SERVER = { data: { server: { __typename: 'Server', name: 'Circle', version: '1', hasOwner: true } } };

function http(...answers: (Response | Error)[]): { http: Http; asked: { headers: Headers; body: unknown }[] } {
  const asked: { headers: Headers; body: unknown }[] = [];
  const fake = (_: unknown, init?: RequestInit) => {
    asked.push({ headers: new Headers(init?.headers), body: JSON.parse(init?.body as string) as unknown });
    const answer = answers.shift() ?? new Error('no more answers');
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  return { http: new Http({ endpoint: 'http://circle.test/graphql', fetch: fake, token: () => 'a-token' }), asked };
}

const json = (value: unknown, status = 200) => new Response(JSON.stringify(value), { status });

describe('GraphQL over HTTP', () => {
  afterEach(() => { vi.useRealTimers(); });

  it('asks with the token and gives the data', async () => {
    const { http: one, asked } = http(json(SERVER));
    expect((await one.ask(ServerInfoDocument, {})).server.name).toBe('Circle');
    expect(asked[0]?.headers.get('authorization')).toBe('Bearer a-token');
    expect(asked[0]?.headers.get('accept')).toContain('application/graphql-response+json');
  });

  it('asks again after failures of the network and the server, but not for ever', async () => {
    const { http: one, asked } = http(new TypeError('network'), json({}, 502), json(SERVER));
    await expect(one.ask(ServerInfoDocument, {})).resolves.toMatchObject(SERVER.data);
    expect(asked).toHaveLength(3);
    const { http: other, asked: tries } = http();
    await expect(other.ask(ServerInfoDocument, {})).rejects.toMatchObject({ code: 'OFFLINE', message: expect.stringContaining('reached') as string });
    expect(tries).toHaveLength(3);
  });

  it('asks once where twice could do harm', async () => {
    const { http: one, asked } = http(new TypeError('network'), json(SERVER));
    await expect(one.once(SignOutDocument, { input: {} })).rejects.toMatchObject({ code: 'OFFLINE' });
    expect(asked).toHaveLength(1);
  });

  it('tells what the server refused, with its code and sentence', async () => {
    const refusal = { errors: [{ message: 'Please sign in first.', extensions: { code: 'UNAUTHENTICATED' } }] };
    const { http: one, asked } = http(json(refusal, 401));
    await expect(one.ask(ServerInfoDocument, {})).rejects.toMatchObject({ code: 'UNAUTHENTICATED', message: 'Please sign in first.' });
    expect(asked).toHaveLength(1);
    const limited = http(json({ errors: [{ message: 'Slower.', extensions: { code: 'RATE_LIMITED', retryAfter: 7 } }] }));
    await expect(limited.http.ask(ServerInfoDocument, {})).rejects.toMatchObject({ code: 'RATE_LIMITED', retryAfter: 7 });
  });

  it('waits longer from try to try, never the same for all, and at most half a minute', () => {
    for (let attempt = 0; attempt < 30; attempt += 1) {
      const wait = backoff(attempt);
      expect(wait).toBeGreaterThanOrEqual(Math.min(30_000, 400 * 2 ** attempt) / 2);
      expect(wait).toBeLessThanOrEqual(30_000);
    }
    expect(new Set(Array.from({ length: 20 }, () => backoff(6))).size).toBeGreaterThan(1);
  });

  it('ends a pause early when told to', async () => {
    const stop = new AbortController();
    const waiting = pause(1_000_000, stop.signal);
    stop.abort();
    await waiting;
    await pause(1_000_000, stop.signal);
  });
});
