/** One client as a device of its own: its network can be cut, and it can die without a last word. */
import WebSocket from 'ws';
import { Client } from '../../src/engine/client';
import type { ConversationState, PendingLink, PendingRecoveryKey, Person } from '../../src/types';
import { freeze } from './world';

const PATIENCE = 150_000;

export class Host {
  client: Client;
  link: PendingLink | null = null;
  pendingKey: PendingRecoveryKey | null = null;
  readonly name: string;
  readonly #origin: string;
  readonly #sockets = new Set<WebSocket>();
  /** Ends whatever waits for this run of the client. */
  #ended = new AbortController();
  #run = { isDead: false, whenDead: (): void => undefined };
  /** Rejects when this run of the client is killed: what it was doing will never be over. */
  killed!: Promise<never>;

  constructor(name: string, origin: string) {
    this.name = name;
    this.#origin = origin;
    this.client = this.#make();
  }

  #make(): Client {
    this.#ended = new AbortController();
    const run = { isDead: false, whenDead: (): void => undefined };
    this.killed = new Promise((_, reject) => {
      run.whenDead = () => { reject(Object.assign(new Error('This process was killed.'), { code: 'CLOSED' })); };
    });
    this.killed.catch(() => undefined);
    this.#run = run;
    const isDead = () => run.isDead;
    const sockets = this.#sockets;
    class Own extends WebSocket {
      constructor(url: string, protocols?: string | string[]) {
        super(isDead() ? 'ws://127.0.0.1:9' : url, protocols);
        sockets.add(this);
        this.on('close', () => sockets.delete(this));
      }
    }
    const fetched: typeof fetch = async (input, init) => {
      if (isDead()) throw new TypeError('This process is dead.');
      const answer = await fetch(input, init);
      if (isDead()) throw new TypeError('This process is dead.');
      return answer;
    };
    return new Client({ origin: this.#origin, session: 'BEARER', databaseName: this.name, webSocketImpl: Own, tabStorage: null, fetch: fetched });
  }

  /** Whether this run of the client was killed. */
  get isDead(): boolean {
    return this.#run.isDead;
  }

  /** The client ends in good order. */
  stop(): void {
    this.#ended.abort();
    this.client.stop();
  }

  /** As when the process is killed: from this moment on nothing is sent, received or stored. */
  kill(): void {
    this.#run.isDead = true;
    this.#run.whenDead();
    this.#ended.abort();
    freeze(this.name);
    for (const socket of this.#sockets) socket.terminate();
    this.client.stop();
  }

  /** A new client on the same databases, unlocked by the password. */
  async restart(password: string): Promise<void> {
    this.client = this.#make();
    await this.client.start();
    await this.client.unlock(password);
  }

  conversation(space: string): ConversationState {
    const found = this.find(space);
    if (!found) throw Object.assign(new Error('This conversation is not there.'), { code: 'NOT_THERE' });
    return found;
  }

  find(space: string): ConversationState | undefined {
    return Object.values(this.client.store.getState().conversations).find(({ protocolId }) => protocolId === space);
  }

  async person(handle: string): Promise<Person> {
    const found = (await this.client.searchPeople(handle)).find((one) => one.handle === handle);
    if (!found) throw Object.assign(new Error('This person is not there.'), { code: 'NOT_THERE' });
    return found;
  }

  /** Waits until the state is as asked for. */
  async until(condition: () => boolean, patience = PATIENCE): Promise<void> {
    if (condition()) return;
    const { signal } = this.#ended;
    await new Promise<void>((resolve, reject) => {
      const end = (error?: Error) => {
        clearTimeout(timer);
        unsubscribe();
        signal.removeEventListener('abort', stopped);
        if (error) reject(error);
        else resolve();
      };
      const timer = setTimeout(() => { end(Object.assign(new Error('It did not come about in time.'), { code: 'TIMEOUT' })); }, patience);
      const stopped = () => { end(Object.assign(new Error('This device was switched off.'), { code: 'CLOSED' })); };
      const unsubscribe = this.client.store.subscribe(() => { if (condition()) end(); });
      if (signal.aborted) stopped();
      else signal.addEventListener('abort', stopped);
    });
  }
}
