import { useCallback, useEffect, useRef, useState } from 'react';
import { plainMessage } from '../circle';

export interface Action<A extends unknown[]> {
  /** Runs the work once at a time; false if it failed or was already running. */
  run: (...args: A) => Promise<boolean>;
  busy: boolean;
  /** A sentence for the person, or null. */
  error: string | null;
  clear: () => void;
}

/** Something that a button starts: it can be under way and it can fail with a sentence. */
export function useAction<A extends unknown[]>(work: (...args: A) => Promise<unknown>): Action<A> {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const latest = useRef(work);
  const running = useRef(false);
  useEffect(() => {
    latest.current = work;
  });

  const run = useCallback(async (...args: A) => {
    if (running.current) return false;
    running.current = true;
    setBusy(true);
    setError(null);
    try {
      await latest.current(...args);
      return true;
    } catch (thrown) {
      setError(plainMessage(thrown));
      return false;
    } finally {
      running.current = false;
      setBusy(false);
    }
  }, []);
  const clear = useCallback(() => setError(null), []);
  return { run, busy, error, clear };
}
