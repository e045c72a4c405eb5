import type { ConversationState, MessageReceipt, Person, TimelineItem } from '../../circle';

/** How far an own message has come. */
export type Reached = 'sent' | 'delivered' | 'read';

export function reached(receipt: MessageReceipt | null): Reached {
  if (receipt === null || receipt.of === 0) return 'sent';
  return receipt.read > 0 ? 'read' : receipt.delivered > 0 ? 'delivered' : 'sent';
}

/** 'Sent', 'Delivered', 'Read'; among several people 'Delivered to 4 of 5', 'Read by 3 of 5', 'Read by everyone'. */
export function receiptWords(receipt: MessageReceipt | null, direct: boolean): string {
  const state = reached(receipt);
  if (receipt === null || state === 'sent') return 'Sent';
  if (direct) return state === 'read' ? 'Read' : 'Delivered';
  const [count, words] = state === 'read' ? [receipt.read, 'Read by'] : [receipt.delivered, 'Delivered to'];
  return `${words} ${count >= receipt.of ? 'everyone' : `${count} of ${receipt.of}`}`;
}

export interface Reach {
  read: Person[];
  delivered: Person[];
  /** Nothing is known of them: they have not received it, or do not tell. */
  unknown: Person[];
}

/** The others of a conversation by how far this message has come with them. */
export function reachOf({ participants, receipts }: ConversationState, item: TimelineItem, me: Person | null): Reach {
  const reach: Reach = { read: [], delivered: [], unknown: [] };
  const { seq } = item;
  for (const { person } of participants) {
    if (person.id === me?.id) continue;
    const known = receipts.find((one) => one.person.id === person.id);
    const place = known === undefined || seq === null ? 'unknown' : known.read >= seq ? 'read' : known.delivered >= seq ? 'delivered' : 'unknown';
    reach[place].push(person);
  }
  return reach;
}
