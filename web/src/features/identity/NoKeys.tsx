import { Button, Stack } from '@mantine/core';
import { ErrorLine } from '../../ui';
import { FrontPage } from './FrontPage';
import { useSignOut } from './useSignOut';

/** Signed in, but the keys are on another browser. Says why, and what one can do today. */
export function NoKeys() {
  const signOut = useSignOut();
  return (
    <FrontPage
      title="Your keys are not on this browser"
      lead={
        <>
          <p>Your password was right. But your messages are locked with keys that never leave the browser where you joined, not even to the server.</p>
          <p>Please open Circle on that browser. Bringing your keys to another one is not possible in this version yet; keep your recovery key safe for when it is.</p>
        </>
      }
    >
      <Stack gap="md">
        <ErrorLine>{signOut.error}</ErrorLine>
        <Button fullWidth loading={signOut.busy} onClick={() => void signOut.run()}>
          Sign out
        </Button>
      </Stack>
    </FrontPage>
  );
}
