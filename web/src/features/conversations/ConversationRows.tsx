import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, useState, type KeyboardEvent } from 'react';
import { useMe, type ConversationState } from '../../circle';
import { useNow } from '../../ui';
import classes from './ConversationList.module.css';
import { ConversationRow } from './ConversationRow';

const ROW_HEIGHT = 70;

interface ConversationRowsProps {
  conversations: ConversationState[];
  current: string | undefined;
}

/** Draws the rows that are in sight alone: a thousand conversations cost as much as twelve. */
export function ConversationRows({ conversations, current }: ConversationRowsProps) {
  const me = useMe();
  const now = useNow();
  const scroller = useRef<HTMLElement>(null);
  /** The row that the keyboard is to move to once it has been drawn. */
  const [target, setTarget] = useState<string | null>(null);
  const virtual = useVirtualizer({
    count: conversations.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    getItemKey: (index) => conversations[index]?.id ?? index,
    overscan: 6,
    paddingEnd: 8,
  });

  const move = (event: KeyboardEvent<HTMLElement>) => {
    const focused = (event.target as HTMLElement).closest<HTMLElement>('[data-conversation]')?.dataset['conversation'];
    const from = conversations.findIndex((one) => one.id === focused);
    const to = { ArrowDown: from + 1, ArrowUp: from - 1, Home: 0, End: conversations.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const index = Math.min(Math.max(to, 0), conversations.length - 1);
    virtual.scrollToIndex(index);
    setTarget(conversations[index]?.id ?? null);
  };
  const items = virtual.getVirtualItems();
  useEffect(() => {
    if (target === null) return;
    const row = scroller.current?.querySelector<HTMLElement>(`[data-conversation="${CSS.escape(target)}"]`);
    if (row) {
      row.focus({ preventScroll: true });
      setTarget(null);
    }
  }, [target, items]);

  return (
    <nav ref={scroller} className={classes.scroller} aria-label="Conversations" onKeyDown={move}>
      <ul className={classes.rows} style={{ height: virtual.getTotalSize() }}>
        {items.map(({ index, start }) => {
          const conversation = conversations[index];
          if (!conversation) return null;
          return (
            <li key={conversation.id} className={classes.slot} style={{ transform: `translateY(${start}px)`, height: ROW_HEIGHT }}>
              <ConversationRow conversation={conversation} me={me} now={now} current={conversation.protocolId === current} />
            </li>
          );
        })}
      </ul>
    </nav>
  );
}
