/** How far oneself and others have read. */
import type { Person } from '../types';

/** How far somebody else has received and read, by the seq of the newest such message; 0: nothing that was told. */
export interface Receipt {
  person: Person;
  delivered: number;
  read: number;
}

/** Of an own message that was sent: how many of the others have it, and have read it. */
export interface MessageReceipt {
  delivered: number;
  read: number;
  /** How many others there are. */
  of: number;
}

/** Part of `ConversationState`. */
export interface ConversationReading {
  /** Messages of others after the own read mark, as far as this device holds them. */
  unread: number;
  /** There are more unread messages than that, which this device has not loaded. */
  unreadIsMore: boolean;
  /** The key of the first unread message; stays while the conversation is open, although it is read then. */
  firstUnread: string | null;
  /** Who of the others is typing. */
  typing: Person[];
  /** The other participants' marks, those of whom none is known left out. */
  receipts: Receipt[];
  /** Whether receipts are sent and shown here: not in channels, nor in groups of more than 50. */
  hasReceipts: boolean;
}

export interface ReadingActions {
  /**
   * What is there has been seen: call it while the conversation's newest message is in sight. Does nothing while the
   * page is hidden.
   */
  markRead(conversation: string): Promise<void>;
  /** The conversation opened last is shown no more. */
  closeConversation(): void;
}
