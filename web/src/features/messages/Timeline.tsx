import { ActionIcon, Loader } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { IconArrowDown } from '@tabler/icons-react';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { type ConversationState } from '../../circle';
import { ErrorLine, useNow } from '../../ui';
import { Beginning } from './Beginning';
import { useUnexpired } from './useCountdown';
import { buildRows } from './model';
import { TimelineRow } from './TimelineRow';
import { TimelineSkeleton } from './TimelineSkeleton';
import classes from './Timeline.module.css';
import { useLeaving } from './useLeaving';
import { useOlder } from './useOlder';
import type { Reading } from './useReading';

const ESTIMATE = 56;
/** So near to the end one counts as reading the newest message. */
const END = 80;
/** More unread messages than this do not fit in sight. */
const MANY = 8;

/** The messages, of which only those in sight are drawn. New ones are followed while one reads the newest. */
export function Timeline({ conversation, reading }: { conversation: ConversationState; reading: Reading }) {
  const { items, hasOlder } = conversation;
  const { firstUnread, setAtEnd } = reading;
  const now = useNow();
  const scroller = useRef<HTMLDivElement>(null);
  const [away, setAway] = useState(false);
  const { shown: staying, leaving } = useLeaving(useUnexpired(items));
  const rows = useMemo(() => buildRows(staying, firstUnread), [staying, firstUnread]);
  // Where everything is loaded, the first row tells what this conversation is.
  const offset = hasOlder ? 0 : 1;
  const virtual = useVirtualizer({
    count: rows.length + offset,
    getScrollElement: () => scroller.current,
    estimateSize: () => ESTIMATE,
    getItemKey: (index) => rows[index - offset]?.item.key ?? 'beginning',
    anchorTo: 'end',
    followOnAppend: true,
    scrollEndThreshold: END,
    overscan: 8,
    paddingStart: 12,
    paddingEnd: 12,
  });
  const older = useOlder(conversation, scroller);

  /** One reads the newest message and has not scrolled away from it: it stays at the bottom. */
  const pinned = useRef(true);
  const lastTop = useRef(0);

  const look = () => {
    const element = scroller.current;
    if (!element) return;
    const distance = element.scrollHeight - element.scrollTop - element.clientHeight;
    // Content that grows makes a distance too; only scrolling up is a wish.
    if (distance < 2) pinned.current = true;
    else if (element.scrollTop < lastTop.current) pinned.current = false;
    lastTop.current = element.scrollTop;
    setAway(distance >= END);
    setAtEnd(distance < END);
    older.look();
  };

  // Begins at the newest message; once it is known which ones are unread, at the first of them if there are many.
  const unreadRow = rows.findIndex((row) => row.unread);
  const shown = useRef(false);
  useLayoutEffect(() => {
    if (shown.current || unreadRow < 1 || rows.length - unreadRow <= MANY) return;
    shown.current = true;
    pinned.current = false;
    virtual.scrollToIndex(unreadRow + offset, { align: 'start' });
  }, [rows.length, unreadRow, offset, virtual]);

  // Rows turn out to be higher than estimated, composers grow and keyboards open: the newest message stays in sight.
  const total = virtual.getTotalSize();
  useLayoutEffect(() => {
    if (pinned.current) virtual.scrollToEnd();
  }, [total, virtual]);
  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const observer = new ResizeObserver(() => {
      if (pinned.current) virtual.scrollToEnd();
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [virtual]);

  // What one sends oneself is always shown.
  const last = items.at(-1);
  const ownPending = last?.mine === true && last.seq === null ? last.key : null;
  useEffect(() => {
    if (ownPending !== null) virtual.scrollToEnd();
  }, [ownPending, virtual]);

  const empty = rows.length === 0;
  return (
    <div className={classes.frame}>
      <div ref={scroller} className={classes.scroller} onScroll={look} tabIndex={0} role="group" aria-label="Message history">
        {empty && reading.loading && <TimelineSkeleton />}
        <ol className={classes.rows} aria-label="Messages" style={{ height: total }} hidden={empty && reading.loading}>
          {virtual.getVirtualItems().map(({ index, key, start }) => {
            const row = rows[index - offset];
            return (
              <li key={key} ref={virtual.measureElement} data-index={index} className={classes.slot} style={{ transform: `translateY(${start}px)` }}>
                {row ? <TimelineRow conversation={conversation} row={row} now={now} leaving={leaving.has(row.item.key)} /> : <Beginning conversation={conversation} />}
              </li>
            );
          })}
        </ol>
      </div>
      {conversation.loadingOlder && (
        <div className={classes.older} role="status">
          <Loader size={14} /> Loading older messages
        </div>
      )}
      {(older.error ?? reading.error) !== null && (
        <div className={classes.problem}>
          <ErrorLine onRetry={older.error !== null ? older.again : reading.again}>{older.error ?? reading.error}</ErrorLine>
        </div>
      )}
      {away && (
        <ActionIcon className={classes.newest} variant="default" radius="xl" size={44} aria-label="Jump to newest" onClick={() => virtual.scrollToEnd()}>
          <IconArrowDown size={20} stroke={1.8} />
          {conversation.unread > 0 && <span className={classes.count}>{conversation.unread > 99 ? '99+' : conversation.unread}</span>}
        </ActionIcon>
      )}
    </div>
  );
}
