import { Button } from '@mantine/core';
import { IconKey } from '@tabler/icons-react';
import { Link, useLocation } from 'react-router';
import { useCircle } from '../../circle';
import classes from './RecoveryReminder.module.css';

/** Where the recovery key is looked after. */
export const RECOVERY_PATH = '/settings/recovery-key';

/** A calm line above everything, until the recovery key has been confirmed. */
export function RecoveryReminder() {
  const confirmed = useCircle((state) => state.recoveryKeyConfirmed);
  const { pathname } = useLocation();
  if (confirmed || pathname === RECOVERY_PATH) return null;
  return (
    <aside className={classes.reminder} aria-label="Recovery key">
      <IconKey size={19} stroke={1.8} aria-hidden="true" />
      <p>
        Your recovery key is not confirmed. <span>Without it, losing your devices means losing your messages.</span>
      </p>
      <Button component={Link} to={RECOVERY_PATH} size="compact-md" variant="light">
        Confirm now
      </Button>
    </aside>
  );
}
