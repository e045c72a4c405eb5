import { Button } from '@mantine/core';
import { IconPlugConnectedX } from '@tabler/icons-react';
import { EmptyState } from '../ui';
import classes from './Shell.module.css';

/** The client could not even begin, for instance because the browser stores nothing for this page. */
export function StartFailed({ reason }: { reason: string }) {
  return (
    <main className={classes.nothing} role="alert">
      <EmptyState icon={<IconPlugConnectedX size={30} stroke={1.6} />} title="Circle could not start" action={<Button onClick={() => location.reload()}>Try again</Button>}>
        {reason}
      </EmptyState>
    </main>
  );
}
