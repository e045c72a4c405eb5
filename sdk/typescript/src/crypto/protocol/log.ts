/** The hash chain over a space's log, and what clients hold it against (e2ee.md section 7). */
import { equal, toHex, Z32, type Bytes } from './bytes';
import type { Envelope } from './envelope';
import { demand, type DueReason } from './errors';
import { h } from './labels';
import { deviceAt, type MemberChain } from './member';
import type { Head } from './signer';

/** An epoch is due after that many envelopes. */
export const EPOCH_ENVELOPES = 5_000;

/** [0, l_0]. */
export const LOG_START: Head = { n: 0, hash: Z32 };

/** l_seq = H(log, [l_(seq-1), seq, item]). Items: the structure's hash, Z32 for the server's own entries. */
export function nextHash(before: Bytes, seq: number, item: Bytes): Promise<Bytes> {
  return h('log', [before, seq, item]);
}

/** What a {@link LogView} knows, as plain data: keep it in one transaction with what was applied. */
export interface LogState {
  readonly head: Head;
  /** l by seq, a stretch that ends at the head. */
  readonly hashes: ReadonlyMap<number, Bytes>;
  /** Every item seen (hex), with its seq. */
  readonly items: ReadonlyMap<string, number>;
  /** By member (hex), the number of the newest link of theirs that entered this log. */
  readonly linked: ReadonlyMap<string, number>;
  readonly epoch: Head | null;
  /** Envelopes under that epoch. */
  readonly envelopes: number;
  /** Why envelopes of the epoch are no longer taken. */
  readonly due: DueReason | null;
}

/** A view that starts at any [seq, l_seq]; what lies before is confirmed by the next `seen` across. */
export function startLog(start: Head = LOG_START): LogState {
  return { head: start, hashes: new Map([[start.n, start.hash]]), items: new Map(), linked: new Map(), epoch: null, envelopes: 0, due: null };
}

function refuse(condition: boolean, code: 'FORK' | 'REPLAYED' | 'FORBIDDEN' | 'STALE_EPOCH', message: string): asserts condition {
  demand(condition, 'log', code, message);
}

/**
 * A client's view of one space's log: feed every entry in order of seq. The one object of the core that changes, for
 * logs are long; `state()` gives it as plain data.
 */
export class LogView {
  #head: Head;
  readonly #hashes: Map<number, Bytes>;
  readonly #items: Map<string, number>;
  readonly #linked: Map<string, number>;
  #epoch: Head | null;
  #envelopes: number;
  #due: DueReason | null;

  constructor(from: LogState = startLog()) {
    this.#head = from.head;
    this.#hashes = new Map(from.hashes);
    this.#items = new Map(from.items);
    this.#linked = new Map(from.linked);
    this.#epoch = from.epoch;
    this.#envelopes = from.envelopes;
    this.#due = from.due;
  }

  /** [seq, l_seq] of the newest entry: what the next own envelope names as `seen`. */
  get head(): Head {
    return this.#head;
  }

  get epoch(): Head | null {
    return this.#epoch;
  }

  get due(): DueReason | null {
    return this.#due;
  }

  /** A copy as plain data. */
  state(): LogState {
    return {
      head: this.#head,
      hashes: new Map(this.#hashes),
      items: new Map(this.#items),
      linked: new Map(this.#linked),
      epoch: this.#epoch,
      envelopes: this.#envelopes,
      due: this.#due,
    };
  }

  /**
   * Takes the next entry's item.
   * @returns l_seq
   * @throws {ProtocolError} log/FORK for a gap, log/REPLAYED for an item that came before
   */
  async add(seq: number, item: Bytes): Promise<Bytes> {
    refuse(item.length === 32 && seq === this.#head.n + 1, 'FORK', 'The log has a gap or goes back.');
    const key = toHex(item);
    const own = equal(item, Z32); // the server's own entries have no hash
    refuse(own || !this.#items.has(key), 'REPLAYED', 'The log holds an entry twice.');
    const digest = await nextHash(this.#head.hash, seq, item);
    this.#hashes.set(seq, digest);
    this.#head = { n: seq, hash: digest };
    if (!own) this.#items.set(key, seq);
    return digest;
  }

  /**
   * Compares an l that somebody names (a `seen`, the server's `logHash`). What lies before this view's start, or was
   * trimmed, cannot be compared and passes.
   * @throws {ProtocolError} log/FORK
   */
  checkHash(at: Head): void {
    refuse(at.n <= this.#head.n, 'FORK', 'Somebody saw more of the log than the server gave to us.');
    const known = this.#hashes.get(at.n);
    refuse(known === undefined || equal(known, at.hash), 'FORK', 'The log is not the one that others see.');
  }

  /** An own send lies at the seq that the server answered. @throws {ProtocolError} log/FORK */
  checkOwn(seq: number, item: Bytes): void {
    refuse(this.#items.get(toHex(item)) === seq, 'FORK', 'An own message is not where the server put it.');
  }

  /**
   * The rules between log and envelope; call it before `add`.
   * @returns the DK to verify with
   * @throws {ProtocolError} log/FORK for a foreign `seen`; log/FORBIDDEN for a chain number below the sender's newest
   *   entered link; log/STALE_EPOCH under another epoch than the newest, or after what made that one due;
   *   member/FORBIDDEN, CHAIN_CONFLICT for a device that was not active
   */
  checkEnvelope(envelope: Envelope, chain: MemberChain): Bytes {
    const { header } = envelope;
    this.checkHash(header.seen);
    refuse(header.n >= (this.#linked.get(toHex(header.member)) ?? 0), 'FORBIDDEN', 'The sender did not know of their own newest link.');
    const current = this.#epoch === null || (header.epoch.n === this.#epoch.n && equal(header.epoch.hash, this.#epoch.hash) && this.#due === null);
    refuse(current, 'STALE_EPOCH', 'The envelope came after its epoch had ended.');
    demand(header.n <= chain.n, 'member', 'CHAIN_CONFLICT', 'The link named is not known yet.');
    const device = equal(chain.member, header.member) ? deviceAt(chain, header.device, header.n) : null;
    demand(device !== null, 'member', 'FORBIDDEN', 'The signing device was not active then.');
    return device.dk;
  }

  /** After a durable envelope was added: counts towards the 5,000 of its epoch. */
  enteredEnvelope(): void {
    this.#envelopes += 1;
    if (this.#envelopes >= EPOCH_ENVELOPES) this.#due ??= 'COUNT';
  }

  /** After an announcement was added. */
  enteredEpoch(epoch: Head): void {
    this.#epoch = epoch;
    this.#envelopes = 0;
    this.#due = null;
  }

  /** After a roster link was added. */
  enteredRoster(): void {
    this.#due = 'ROSTER';
  }

  /** After a complaint was added. */
  enteredComplaint(): void {
    this.#due = 'COMPLAINT';
  }

  /** After a recipient's member link was added. @throws {ProtocolError} log/FORBIDDEN where it goes back */
  enteredMemberLink(member: Bytes, n: number): void {
    const key = toHex(member);
    refuse(n > (this.#linked.get(key) ?? -1), 'FORBIDDEN', "A member's links go back in the log.");
    this.#linked.set(key, n);
    this.#due = 'MEMBER_CHAIN';
  }

  /** Forgets l of entries older than the newest `keep`; items stay. */
  trim(keep: number): void {
    for (const seq of this.#hashes.keys()) if (seq <= this.#head.n - keep) this.#hashes.delete(seq);
  }
}
