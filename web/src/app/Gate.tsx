import { useEffect } from 'react';
import { Route, Routes } from 'react-router';
import { useCircle } from '../circle';
import { NewDevice } from '../features/devices';
import { Join, Locked, SignedOut, StandingBy } from '../features/identity';
import { useDrafts } from '../features/messages';
import { Shell } from './Shell';
import { Splash } from './Splash';

/** Decides by the client's phase what there is to see. A join link is open in every phase. */
export function Gate() {
  const phase = useCircle((state) => state.phase);
  useEffect(() => {
    // What was typed is plain text: it goes with the keys. A tab that stands by for another is unlocked as that one is.
    if (phase !== 'ready' && phase !== 'standing-by') useDrafts.getState().clear();
  }, [phase]);

  if (phase === 'starting') return <Splash />;
  return (
    <Routes>
      <Route path="/join" element={<Join />} />
      <Route path="*" element={<Phase phase={phase} />} />
    </Routes>
  );
}

function Phase({ phase }: { phase: 'signed-out' | 'locked' | 'standing-by' | 'no-keys' | 'ready' }) {
  switch (phase) {
    case 'signed-out':
      return <SignedOut />;
    case 'locked':
      return <Locked />;
    case 'standing-by':
      return <StandingBy />;
    case 'no-keys':
      return <NewDevice />;
    case 'ready':
      return <Shell />;
  }
}
