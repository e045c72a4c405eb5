/** What is shown of the other members' receipts. */
import type { SpaceView } from '../crypto';
import type { MessageReceipt } from '../types';

/** As the server takes them. */
const MOST_MEMBERS = 50;

/** Everyone's receipts go to everyone: not in channels, nor where there are many. */
export function hasReceipts({ type, roster, isAccount }: SpaceView): boolean {
  return !isAccount && type !== 'BROADCAST' && roster.length <= MOST_MEMBERS;
}

/** Of an own message that the log holds at `seq`. */
export function receiptOf(view: SpaceView, seq: number): MessageReceipt | null {
  if (!hasReceipts(view)) return null;
  const count = (has: (one: SpaceView['receipts'][number]) => boolean) => view.receipts.filter(has).length;
  return { delivered: count(({ delivered }) => delivered >= seq), read: count(({ read }) => read >= seq), of: Math.max(0, view.roster.length - 1) };
}
