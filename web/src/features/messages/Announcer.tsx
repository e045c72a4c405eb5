import { useState } from 'react';
import type { TimelineItem } from '../../circle';
import { spoken } from './model';

/** Speaks new messages of others. The drawn list cannot: it also changes by scrolling. */
export function Announcer({ items }: { items: TimelineItem[] }) {
  const newest = items.at(-1);
  const [heard, setHeard] = useState<{ key: string | undefined; text: string }>({ key: newest?.key, text: '' });
  if (newest?.key !== heard.key) {
    // The first page that arrives is no news.
    const news = heard.key !== undefined && newest !== undefined && !newest.mine;
    setHeard({ key: newest?.key, text: news ? spoken(newest) : heard.text });
  }
  return (
    <div className="visually-hidden" role="log" aria-live="polite" aria-label="New messages">
      {heard.text}
    </div>
  );
}
