import { useState } from 'react';
import { useClient } from '../../circle';
import { useLoaded } from '../../ui';
import { NoOwner } from './NoOwner';
import { SignIn } from './SignIn';
import { Unlock } from './Unlock';

/** What someone without a session sees: nothing to sign in to yet, or the sign-in. */
export function SignedOut() {
  const client = useClient();
  const start = useLoaded('start', async () => ({ server: await client.serverInfo(), account: await client.knownAccount() }));
  if (start.loading) return null;
  if (start.value?.server.hasOwner === false) return <NoOwner />;
  return <SignIn handle={start.value?.account?.handle ?? ''} />;
}

/** What someone whose keys are wrapped on this browser sees. */
export function Locked() {
  const client = useClient();
  const [other, setOther] = useState(false);
  const start = useLoaded('locked', async () => ({
    account: await client.knownAccount(),
    // Without an answer, the password is asked for, which opens the most.
    lock: await client.locking.state().catch(() => null),
  }));
  if (start.loading) return null;
  if (other) return <SignIn onBack={() => setOther(false)} />;
  return <Unlock account={start.value?.account ?? null} lock={start.value?.lock ?? null} onOther={() => setOther(true)} />;
}
