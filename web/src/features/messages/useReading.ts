import { useCallback, useEffect, useState } from 'react';
import { plainMessage, useClient, type ConversationState } from '../../circle';

/** So long the newest message stays in sight before it counts as read: not what only flies past. */
const DWELL = 350;

export interface Reading {
  /** The newest page is on its way. */
  loading: boolean;
  error: string | null;
  again: () => void;
  /** Above which message the line of the new ones stands. It stays there when they have been read. */
  line: string | null;
  /** Tells whether the newest message is in sight. */
  setAtEnd: (atEnd: boolean) => void;
}

/** Opens the conversation, and keeps it read while its newest message is in sight of a person. */
export function useReading(conversation: ConversationState): Reading {
  const client = useClient();
  const { id, unread, unreadIsMore, firstUnread } = conversation;
  const [round, setRound] = useState(0);
  const [outcome, setOutcome] = useState<{ round: number; error: string | null } | null>(null);
  const [atEnd, setAtEnd] = useState(false);
  const visible = usePageVisible();
  const loading = outcome?.round !== round;
  const [line, setLine] = useState<string | null>(null);
  // What comes in sight of a person is not new to them: there it would flash up for a moment.
  if (firstUnread !== null && firstUnread !== line && !(atEnd && visible)) setLine(firstUnread);

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

  const news = unread > 0 || unreadIsMore;
  useEffect(() => {
    if (loading || !news || !atEnd || !visible) return;
    const timer = setTimeout(() => {
      // A failure here shows nowhere: the mark is set again with the next message or visit.
      client.markRead(id).catch(() => undefined);
    }, DWELL);
    return () => clearTimeout(timer);
  }, [client, id, loading, news, atEnd, visible]);

  const again = useCallback(() => setRound((value) => value + 1), []);
  return { loading, error: loading ? null : outcome.error, again, line, setAtEnd };
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
