import { useEffect, useState } from 'react';

const MINUTE = 60_000;

/** The time, renewed each minute, so that 'Today' becomes 'Yesterday' in a window left open. */
export function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), MINUTE);
    return () => clearInterval(timer);
  }, []);
  return now;
}
