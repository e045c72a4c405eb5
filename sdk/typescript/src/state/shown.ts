/** A conversation's lines as they are shown: their order, and what is found among them. */
import type { ItemView, SpaceView } from '../crypto';

export interface Shown {
  view: SpaceView;
  items: Map<string, ItemView>;
  /** Hex ids of those who type. */
  typing: Set<string>;
  loadingOlder: boolean;
}

export function inOrder(one: ItemView, other: ItemView): number {
  if (one.seq !== null && other.seq !== null) return one.seq - other.seq;
  if (one.seq === null && other.seq === null) return one.time - other.time || (one.key < other.key ? -1 : 1);
  return one.seq === null ? 1 : -1;
}

export function isLine({ body }: ItemView): boolean {
  return body.kind !== 'unreadable' || body.isNoLine !== true;
}

export function mentions(items: Map<string, ItemView>, members: Set<string>): boolean {
  return [...items.values()].some(({ sender, body }) => {
    if (sender !== null && members.has(sender)) return true;
    return body.kind === 'notice' && (members.has(body.notice.by) || ('member' in body.notice && members.has(body.notice.member)));
  });
}

/** The key of the first message of somebody else from this entry on. */
export function firstShown(items: Map<string, ItemView>, from: number | null, me: string | undefined): string | null {
  if (from === null) return null;
  const unread = [...items.values()].filter(({ seq, sender, body }) => seq !== null && seq >= from && sender !== me && body.kind === 'text');
  return unread.toSorted(inOrder)[0]?.key ?? null;
}

/** Whether this device holds older items than those shown. */
export function hidesOlder(view: SpaceView, items: Map<string, ItemView>): boolean {
  const lowest = Math.min(...[...items.values()].map(({ seq }) => seq ?? Infinity));
  return Number.isFinite(lowest) && lowest > view.oldest;
}
