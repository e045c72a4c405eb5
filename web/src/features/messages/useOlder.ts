import { useEffect, useRef, type RefObject } from 'react';
import { useClient, type ConversationState } from '../../circle';
import { useAction } from '../../ui';

/** So far from the top older messages are asked for, to be there before one arrives. */
const AHEAD = 900;

/** Loads older messages when one scrolls up near to the top, and while the pane is not full. */
export function useOlder(conversation: ConversationState, scroller: RefObject<HTMLElement | null>) {
  const client = useClient();
  const { id, hasOlder, loadingOlder, items } = conversation;
  const { run, error, clear } = useAction(() => client.loadOlder(id));
  const failed = useRef(false);
  const lastTop = useRef(0);
  /** Nobody has scrolled up yet: what stands at the top is only on its way to the newest message. */
  const scrolledUp = useRef(false);

  const look = () => {
    const element = scroller.current;
    if (!element) return;
    if (element.scrollTop < lastTop.current) scrolledUp.current = true;
    lastTop.current = element.scrollTop;
    if (!hasOlder || loadingOlder || failed.current || items.length === 0) return;
    const isFull = element.scrollHeight > element.clientHeight;
    if (isFull && (!scrolledUp.current || element.scrollTop > AHEAD)) return;
    void run().then((done) => {
      // After a failure a person decides when to try again.
      failed.current = !done;
    });
  };
  const again = () => {
    failed.current = false;
    clear();
    look();
  };
  useEffect(() => {
    const frame = requestAnimationFrame(look);
    return () => cancelAnimationFrame(frame);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- looks again when a page has arrived, not at each render
  }, [items.length, hasOlder, loadingOlder]);
  return { look, again, error };
}
