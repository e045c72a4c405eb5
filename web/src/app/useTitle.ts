import { useEffect } from 'react';
import { useConversationByAddress, useUnread } from '../circle';
import { shortCount } from '../ui';

/** The window's title: how much is unread, and where one is. */
export function useTitle(address: string | undefined): void {
  const { count, isMore } = useUnread();
  const title = useConversationByAddress(address)?.title;
  useEffect(() => {
    const name = title === undefined ? 'Circle' : `${title} · Circle`;
    document.title = count > 0 || isMore ? `(${shortCount(count, isMore)}) ${name}` : name;
  }, [count, isMore, title]);
  // What is locked away does not go on standing in the browser's tab.
  useEffect(
    () => () => {
      document.title = 'Circle';
    },
    [],
  );
}
