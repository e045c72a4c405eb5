/** The hash chain over a space's log (e2ee.md section 7): l_seq = H(log, [l_(seq-1), seq, item]), l_0 = Z32. */
import { equal, Z32, type Bytes } from './bytes';
import { demand } from './errors';
import { h } from './labels';

/** A place in the log: what `seen` in an envelope names. */
export interface LogHead {
  readonly seq: number;
  readonly hash: Bytes;
}

export const LOG_START: LogHead = { seq: 0, hash: Z32 };

/** The head after one more entry. `item` is Z32 for the server's own entries. */
export async function nextHead(head: LogHead, item: Bytes): Promise<LogHead> {
  demand(item.length === 32, 'log', 'MALFORMED', 'An item of the log has 32 bytes.');
  const seq = head.seq + 1;
  return { seq, hash: await h('log', [head.hash, seq, item]) };
}

/** One entry as the server tells it. */
export interface LogEntry {
  readonly seq: number;
  readonly item: Bytes;
  /** The server's l at that seq. */
  readonly hash: Bytes;
}

/**
 * Takes contiguous entries after a head. A new device may start anywhere; the next `seen` that
 * names a known seq confirms the start.
 * @returns the new head
 * @throws {ProtocolError} log/MALFORMED for a gap, log/FORKED_LOG if the server's l is another
 */
export async function followLog(head: LogHead, entries: readonly LogEntry[]): Promise<LogHead> {
  let at = head;
  for (const entry of entries) {
    demand(entry.seq === at.seq + 1, 'log', 'MALFORMED', 'The entries are not contiguous.');
    at = await nextHead(at, entry.item);
    demand(equal(entry.hash, at.hash), 'log', 'FORKED_LOG', 'The server tells another history than it told before.');
  }
  return at;
}

/**
 * Compares an envelope's `seen` with the l that this client holds for that seq.
 * @throws {ProtocolError} log/FORKED_LOG if it is another
 */
export function checkSeen(seen: LogHead, known: Bytes): void {
  demand(equal(known, seen.hash), 'log', 'FORKED_LOG', 'A member was told another history of this conversation than this device.');
}
