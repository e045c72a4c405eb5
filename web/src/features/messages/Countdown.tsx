import { LIFETIMES, type TimelineItem } from '../../circle';
import { exactTime } from '../../ui';
import { useCountdown } from './useCountdown';
import classes from './Countdown.module.css';

interface CountdownProps {
  item: TimelineItem;
  /** With the time in words beside the ring. */
  words?: boolean;
}

/** That a message disappears, and when. Nothing where it stays. */
export function Countdown({ item, words = false }: CountdownProps) {
  if (item.expiresAt !== null) return <Running expiresAt={item.expiresAt} item={item} words={words} />;
  // Not accepted yet: its time begins then.
  if (item.lifetime !== 0) return <Shown short={LIFETIMES[item.lifetime]} long={`Disappears ${LIFETIMES[item.lifetime]} after it is sent`} left={1} words={words} />;
  return null;
}

function Running({ expiresAt, item, words }: { expiresAt: number; item: TimelineItem; words: boolean }) {
  const { short, long, left } = useCountdown(expiresAt, item.lifetime);
  return <Shown short={short} long={`Disappears in ${long}`} title={`Disappears ${exactTime(expiresAt)}`} left={left} words={words} />;
}

interface ShownProps {
  short: string;
  long: string;
  title?: string;
  left: number;
  words: boolean;
}

function Shown({ short, long, title = long, left, words }: ShownProps) {
  return (
    <span className={classes.countdown} title={title}>
      <svg className={classes.ring} viewBox="0 0 16 16" aria-hidden="true">
        <circle cx="8" cy="8" r="6.2" pathLength="1" />
        <circle cx="8" cy="8" r="6.2" pathLength="1" strokeDasharray={`${left} 1`} className={classes.left} />
      </svg>
      {words && <span aria-hidden="true">{short}</span>}
      <span className="visually-hidden">{long}</span>
    </span>
  );
}
