import { ActionIcon, Loader } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { type ConversationState } from '../../circle';
import { ErrorLine, shortCount, unreadWords, useNow } from '../../ui';
import { Beginning } from './Beginning';
import { useUnexpired } from './useCountdown';
import { buildRows } from './model';
import { TimelineRow } from './TimelineRow';
import { TimelineSkeleton } from './TimelineSkeleton';
import classes from './Timeline.module.css';
import { useLeaving } from './useLeaving';
import { useOlder } from './useOlder';
import type { Reading } from './useReading';
import { useUnreadLine } from './useUnreadLine';

const ESTIMATE = 56;
/** So near to the end one counts as reading the newest message. */
const END = 80;

/** The messages, of which only those in sight are drawn. New ones are followed while one reads the newest. */
export function Timeline({ conversation, reading }: { conversation: ConversationState; reading: Reading }) {
  const { items, hasOlder, unread, unreadIsMore } = conversation;
  const { loading, line: firstUnread, setAtEnd } = reading;
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
    paddingEnd: 4,
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
    line.look();
    older.look();
  };
  const line = useUnreadLine(rows, offset, virtual, scroller, () => {
    pinned.current = false;
  });
  // Also where nothing scrolls: a short conversation is in sight as a whole.
  useEffect(() => {
    const frame = requestAnimationFrame(look);
    return () => cancelAnimationFrame(frame);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- looks again when there is something else to see, not at each render
  }, [loading, rows.length, firstUnread]);

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
  const hasNews = unread > 0 || unreadIsMore;
  /** A button that leads there is gone then: the keyboard goes on in the messages. */
  const go = (jump: () => void) => {
    jump();
    scroller.current?.focus({ preventScroll: true });
  };
  return (
    <div className={classes.frame}>
      <div ref={scroller} className={classes.scroller} onScroll={look} tabIndex={0} role="group" aria-label="Message history">
        {empty && loading && <TimelineSkeleton />}
        <ol className={classes.rows} aria-label="Messages" style={{ height: total }} hidden={empty && loading}>
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
      {line.isAbove && (
        <button type="button" className={classes.unread} aria-label="Jump to first unread" onClick={() => go(line.jump)}>
          <IconArrowUp size={16} stroke={2} aria-hidden="true" />
          First unread
        </button>
      )}
      {away && (
        <ActionIcon
          className={classes.newest}
          variant="default"
          radius="xl"
          size={44}
          aria-label={hasNews ? `Jump to newest, ${unreadWords(unread, unreadIsMore)}` : 'Jump to newest'}
          onClick={() => go(() => virtual.scrollToEnd())}
        >
          <IconArrowDown size={20} stroke={1.8} />
          {hasNews && <span className={classes.count}>{shortCount(unread, unreadIsMore)}</span>}
        </ActionIcon>
      )}
    </div>
  );
}
