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

/** '5 minutes ago', 'in 3 days'. */
export function relativeTime(time: number, now: number): string {
  const minutes = Math.round((time - now) / 60_000);
  if (Math.abs(minutes) < 1) return 'just now';
  if (Math.abs(minutes) < 60) return relative.format(minutes, 'minute');
  const hours = Math.round((time - now) / HOUR);
  if (Math.abs(hours) < 24) return relative.format(hours, 'hour');
  return relative.format(Math.round(hours / 24), 'day');
}
