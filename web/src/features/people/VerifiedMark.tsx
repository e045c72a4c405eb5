import { Tooltip } from '@mantine/core';
import { IconRosetteDiscountCheckFilled } from '@tabler/icons-react';
import classes from './People.module.css';

/** Beside the name of somebody whose safety number one has compared. */
export function VerifiedMark({ size = 16 }: { size?: number }) {
  return (
    <Tooltip label="Verified: you compared safety numbers">
      <span className={classes.mark}>
        <IconRosetteDiscountCheckFilled size={size} role="img" aria-label="Verified" />
      </span>
    </Tooltip>
  );
}
