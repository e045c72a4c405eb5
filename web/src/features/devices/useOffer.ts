import { useCallback, useEffect, useState } from 'react';
import { plainMessage, useClient, type PendingLink } from '../../circle';

export type Offer =
  | { name: 'making' }
  | { name: 'waiting'; link: PendingLink }
  | { name: 'ended' }
  | { name: 'failed'; reason: string };

/** Asks to be let in while the view is shown. After five minutes without an answer the request has ended, and `renew` makes another. */
export function useOffer(): { offer: Offer; renew: () => void } {
  const client = useClient();
  const [offer, setOffer] = useState<Offer>({ name: 'making' });
  const [round, setRound] = useState(0);

  useEffect(() => {
    let current = true;
    let link: PendingLink | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const end = (next: Offer) => {
      if (!current) return;
      current = false;
      clearTimeout(timer);
      link?.cancel();
      setOffer(next);
    };
    const fail = (error: unknown) => end({ name: 'failed', reason: plainMessage(error) });
    client.devices.offer().then((made) => {
      made.done.catch(fail);
      if (!current) {
        made.cancel();
        return;
      }
      link = made;
      timer = setTimeout(() => end({ name: 'ended' }), made.expiresAt - Date.now());
      setOffer({ name: 'waiting', link: made });
    }, fail);
    return () => {
      current = false;
      clearTimeout(timer);
      link?.cancel();
    };
  }, [client, round]);

  const renew = useCallback(() => {
    setOffer({ name: 'making' });
    setRound((value) => value + 1);
  }, []);
  return { offer, renew };
}
