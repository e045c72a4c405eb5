import { useCallback, useEffect, useState } from 'react';
import { plainMessage, useClient, type ConversationState } from '../../circle';
import { firstUnreadKey } from './model';

export interface Reading {
  /** The newest page is on its way. */
  loading: boolean;
  error: string | null;
  again: () => void;
  /** Where the unread divider stands; it stays there while the conversation is open. */
  firstUnread: string | null;
  /** Tells whether the newest message is in sight. */
  setAtEnd: (atEnd: boolean) => void;
}

/** Opens the conversation, and keeps it read while its newest message is in sight of a person. */
export function useReading(conversation: ConversationState): Reading {
  const client = useClient();
  const { id, items, unread } = conversation;
  const [unreadAtOpening] = useState(unread);
  const [round, setRound] = useState(0);
  const [outcome, setOutcome] = useState<{ round: number; error: string | null } | null>(null);
  const [firstUnread, setFirstUnread] = useState<string | null>(null);
  const [atEnd, setAtEnd] = useState(true);
  const visible = usePageVisible();
  const loading = outcome?.round !== round;

  useEffect(() => {
    let current = true;
    client.openConversation(id).then(
      () => current && setOutcome({ round, error: null }),
      (thrown: unknown) => current && setOutcome({ round, error: plainMessage(thrown) }),
    );
    return () => {
      current = false;
    };
  }, [client, id, round]);

  // Set while rendering, so that the divider is there in the first picture of the messages.
  if (!loading && firstUnread === null && unreadAtOpening > 0 && items.length > 0) {
    setFirstUnread(firstUnreadKey(items, unreadAtOpening) ?? '');
  }

  useEffect(() => {
    if (loading || unread === 0 || !atEnd || !visible) return;
    // A failure here shows nowhere: the mark is set again with the next message or visit.
    client.markRead(id).catch(() => undefined);
  }, [client, id, loading, unread, atEnd, visible]);

  const again = useCallback(() => setRound((value) => value + 1), []);
  return { loading, error: loading ? null : outcome.error, again, firstUnread, setAtEnd };
}

function usePageVisible(): boolean {
  const [visible, setVisible] = useState(() => document.visibilityState === 'visible');
  useEffect(() => {
    const look = () => setVisible(document.visibilityState === 'visible');
    document.addEventListener('visibilitychange', look);
    return () => document.removeEventListener('visibilitychange', look);
  }, []);
  return visible;
}
