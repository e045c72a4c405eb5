/** '7', '99+'; and '7+' where more are unread than this device holds. */
export function shortCount(count: number, isMore = false): string {
  if (count > 99) return '99+';
  return isMore ? `${Math.max(count, 1)}+` : String(count);
}

/** '7 unread', 'more than 7 unread'. */
export function unreadWords(count: number, isMore = false): string {
  if (!isMore) return `${count} unread`;
  return count === 0 ? 'unread messages' : `more than ${count} unread`;
}
