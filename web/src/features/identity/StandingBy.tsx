import { Button, Stack } from '@mantine/core';
import { useClient } from '../../circle';
import { ErrorLine, useAction, useLoaded } from '../../ui';
import { Account } from './Account';
import { FrontPage } from './FrontPage';

/** Another tab of this browser has Circle open: one at a time can. */
export function StandingBy() {
  const client = useClient();
  const known = useLoaded('standing-by', () => client.knownAccount());
  const here = useAction(() => client.takeOver());
  return (
    <FrontPage title="Circle is open in another tab" lead="One tab at a time can use it. Nothing is lost: what you do there is here as well when you come back.">
      <Stack gap="md">
        {known.value && <Account account={known.value} />}
        <ErrorLine>{here.error}</ErrorLine>
        <Button fullWidth autoFocus loading={here.busy} onClick={() => void here.run()}>
          Use Circle here
        </Button>
      </Stack>
    </FrontPage>
  );
}
