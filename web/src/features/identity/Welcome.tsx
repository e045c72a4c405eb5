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
  const account = useLoaded('account', () => client.knownAccount());
  if (account.loading) return null;
  if (other) return <SignIn onBack={() => setOther(false)} />;
  return <Unlock account={account.value ?? null} onOther={() => setOther(true)} />;
}
