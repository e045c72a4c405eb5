import { useCallback, useEffect, useState } from 'react';
import { plainMessage } from '../circle';

interface Outcome<T> {
  key: string;
  value?: T;
  error?: string;
}

export interface Loaded<T> {
  value: T | undefined;
  error: string | null;
  loading: boolean;
  /** Loads again and keeps showing what is there meanwhile. */
  again: () => void;
}

/** What a promise gave for `key`. A late answer to an earlier key is dropped. */
export function useLoaded<T>(key: string, load: () => Promise<T>): Loaded<T> {
  const [outcome, setOutcome] = useState<Outcome<T> | null>(null);
  const [round, setRound] = useState(0);

  useEffect(() => {
    let current = true;
    load().then(
      (value) => {
        if (current) setOutcome({ key, value });
      },
      (thrown: unknown) => {
        if (current) setOutcome({ key, error: plainMessage(thrown) });
      },
    );
    return () => {
      current = false;
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `key` stands for everything that `load` closes over
  }, [key, round]);

  const again = useCallback(() => setRound((value) => value + 1), []);
  const fitting = outcome?.key === key ? outcome : null;
  return { value: fitting?.value, error: fitting?.error ?? null, loading: fitting === null, again };
}
