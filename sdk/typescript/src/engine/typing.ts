/** Who is typing: tells that this person does, not too often, and shows who else does, not for too long. */
import { fromBase64, toHex } from '../bytes';
import { TypingDocument, type TypingSubscription } from '../gql/generated';
import type { Board } from '../state/board';
import type { Live } from './live';
import type { ReadingApi } from './readingApi';

/** Others are told at most so often, in milliseconds. */
const EVERY = 3_000;
/** Without a key for so long, one has stopped; nobody is shown for longer without being heard of. */
const LASTS = 6_000;

export class Typing {
  readonly #api: Pick<ReadingApi, 'setTyping'>;
  readonly #live: Live;
  readonly #board: Board;
  #own: { node: string; toldAt: number; timer: ReturnType<typeof setTimeout> } | null = null;
  readonly #others = new Map<string, ReturnType<typeof setTimeout>>();
  #unfollow: (() => void) | null = null;

  constructor(parts: { api: Pick<ReadingApi, 'setTyping'>; live: Live; board: Board }) {
    this.#api = parts.api;
    this.#live = parts.live;
    this.#board = parts.board;
  }

  connected(): void {
    this.#unfollow?.();
    this.#unfollow = this.#live.follow(TypingDocument, {}, ({ typing }) => { this.#heard(typing); });
  }

  /** The connection is gone: nobody would be heard to stop. */
  lost(): void {
    this.#unfollow?.();
    this.#unfollow = null;
    for (const timer of this.#others.values()) clearTimeout(timer);
    this.#others.clear();
    this.#board.clearTyping();
  }

  stop(): void {
    this.lost();
    this.#forget();
  }

  set(node: string, typing: boolean): void {
    if (this.#own && this.#own.node !== node) this.#end();
    if (!typing) {
      this.#end();
      return;
    }
    const view = this.#board.view(node);
    if (!view || view.role === null || view.role === 'READER' || !this.#board.isOnline) return;
    const now = Date.now();
    const toldAt = this.#own?.toldAt ?? -Infinity;
    const isDue = now - toldAt >= EVERY;
    this.#forget();
    this.#own = { node, toldAt: isDue ? now : toldAt, timer: setTimeout(() => { this.#end(); }, LASTS) };
    if (isDue) this.#tell(node, true);
  }

  /** A message was sent from here. */
  sent(node: string): void {
    if (this.#own?.node === node) this.#end();
  }

  #end(): void {
    const own = this.#own;
    this.#forget();
    if (own) this.#tell(own.node, false);
  }

  #forget(): void {
    clearTimeout(this.#own?.timer);
    this.#own = null;
  }

  /** Whether it was heard is nothing to wait for. */
  #tell(node: string, typing: boolean): void {
    void this.#api.setTyping(node, typing).catch(() => undefined);
  }

  #heard({ conversation, member, until }: TypingSubscription['typing']): void {
    const who = toHex(fromBase64(member.protocolId));
    const key = `${conversation.id} ${who}`;
    clearTimeout(this.#others.get(key));
    this.#others.delete(key);
    this.#board.setTyping(conversation.id, who, until !== null && until !== undefined);
    if (until === null || until === undefined) return;
    // The server's clock and this one may differ: what it says counts where it shortens.
    const left = Date.parse(until) - Date.now();
    const timer = setTimeout(() => {
      this.#others.delete(key);
      this.#board.setTyping(conversation.id, who, false);
    }, left > 0 && left < LASTS ? left : LASTS);
    this.#others.set(key, timer);
  }
}
