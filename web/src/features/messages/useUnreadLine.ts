import type { Virtualizer } from '@tanstack/react-virtual';
import { useLayoutEffect, useRef, useState, type RefObject } from 'react';
import type { Row } from './model';

/** More unread messages than this do not fit in sight. */
const MANY = 8;

interface UnreadLine {
  /** It stands above what is in sight, and one has not been there. */
  isAbove: boolean;
  /** To be called when what is in sight may have changed. */
  look: () => void;
  jump: () => void;
}

/** The line above the first unread message: begins there when there are many, and leads there otherwise. */
export function useUnreadLine(
  rows: Row[],
  offset: number,
  virtual: Virtualizer<HTMLDivElement, Element>,
  scroller: RefObject<HTMLElement | null>,
  onLeaveEnd: () => void,
): UnreadLine {
  const index = rows.findIndex((row) => row.unread);
  const key = rows[index]?.item.key ?? null;
  const [seen, setSeen] = useState<string | null>(null);
  const [isAbove, setAbove] = useState(false);
  /** The line at which this has begun. */
  const began = useRef<string | null>(null);

  const jump = () => {
    if (index < 0) return;
    onLeaveEnd();
    virtual.scrollToIndex(index + offset, { align: 'start' });
    setSeen(key);
    setAbove(false);
  };
  const look = () => {
    const element = scroller.current;
    const place = index < 0 ? undefined : virtual.measurementsCache[index + offset];
    if (!element || !place || key === null || key === seen) {
      setAbove(false);
      return;
    }
    const above = place.start < element.scrollTop;
    setAbove(above);
    if (!above && place.start < element.scrollTop + element.clientHeight) setSeen(key);
  };

  useLayoutEffect(() => {
    if (key === null || began.current === key) return;
    const isFirst = began.current === null;
    began.current = key;
    // Only at the beginning: nobody is moved while they read.
    if (isFirst && index > 0 && rows.length - index > MANY) jump();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- once per line, with what is drawn then
  }, [key]);

  return { isAbove, look, jump };
}
