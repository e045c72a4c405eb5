import { useEffect } from 'react';
import { useCircle, useConversationByAddress } from '../circle';
import { shortCount } from '../ui';

/** The window's title: how much is unread, and where one is. */
export function useTitle(address: string | undefined): void {
  const unread = useCircle((state) => Object.values(state.conversations).reduce((sum, one) => sum + one.unread, 0));
  const title = useConversationByAddress(address)?.title;
  useEffect(() => {
    const name = title === undefined ? 'Circle' : `${title} · Circle`;
    document.title = unread > 0 ? `(${shortCount(unread)}) ${name}` : name;
  }, [unread, title]);
  // What is locked away does not go on standing in the browser's tab.
  useEffect(
    () => () => {
      document.title = 'Circle';
    },
    [],
  );
}
