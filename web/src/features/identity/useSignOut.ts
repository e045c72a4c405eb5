import { useNavigate } from 'react-router';
import { useClient } from '../../circle';
import { useAction, type Action } from '../../ui';

/** Ends the session. Whoever signs in next begins at the start, not where this person was. */
export function useSignOut(): Action<[]> {
  const client = useClient();
  const navigate = useNavigate();
  return useAction(async () => {
    await client.signOut();
    await navigate('/', { replace: true });
  });
}
