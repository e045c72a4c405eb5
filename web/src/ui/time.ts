const clock = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' });
const weekday = new Intl.DateTimeFormat(undefined, { weekday: 'long' });
const shortWeekday = new Intl.DateTimeFormat(undefined, { weekday: 'short' });
const dayAndMonth = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const longDay = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const fullDay = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long', year: 'numeric' });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'short' });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });

const HOUR = 3_600_000;

function startOfDay(time: number): number {
  return new Date(time).setHours(0, 0, 0, 0);
}

/** Whole calendar days from `time` to `now`: 0 today, 1 yesterday. */
function daysAgo(time: number, now: number): number {
  return Math.round((startOfDay(now) - startOfDay(time)) / (24 * HOUR));
}

export function sameDay(one: number, other: number): boolean {
  return startOfDay(one) === startOfDay(other);
}

/** '14:05'. */
export function clockTime(time: number): string {
  return clock.format(time);
}

/** The whole truth, for a tooltip. */
export function exactTime(time: number): string {
  return exact.format(time);
}

/** Short, for a list: a clock time today, then 'Yesterday', a weekday, a date. */
export function listTime(time: number, now: number): string {
  const days = daysAgo(time, now);
  if (days <= 0) return clock.format(time);
  if (days === 1) return 'Yesterday';
  return days < 7 ? shortWeekday.format(time) : dayAndMonth.format(time);
}

/** A day's name between messages: 'Today', 'Yesterday', 'Monday', 'Monday, 3 November', '3 November 2024'. */
export function dayName(time: number, now: number): string {
  const days = daysAgo(time, now);
  if (days <= 0) return 'Today';
  if (days === 1) return 'Yesterday';
  if (days < 7) return weekday.format(time);
  return days < 300 ? longDay.format(time) : fullDay.format(time);
}

const DAY = 24 * HOUR;
const MONTH = 30.44 * DAY;
const YEAR = 365.25 * DAY;

/** '5 minutes ago', 'in 3 days', '3 months ago'. */
export function relativeTime(time: number, now: number): string {
  const away = time - now;
  const far = Math.abs(away);
  const minutes = Math.round(away / 60_000);
  if (Math.abs(minutes) < 1) return 'just now';
  if (Math.abs(minutes) < 60) return relative.format(minutes, 'minute');
  const hours = Math.round(away / HOUR);
  if (Math.abs(hours) < 24) return relative.format(hours, 'hour');
  if (far < 45 * DAY) return relative.format(Math.round(away / DAY), 'day');
  return far < 1.5 * YEAR ? relative.format(Math.round(away / MONTH), 'month') : relative.format(Math.round(away / YEAR), 'year');
}
