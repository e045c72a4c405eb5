import { IconAlertCircle } from '@tabler/icons-react';
import classes from './ErrorLine.module.css';

/** A sentence about what went wrong, announced when it appears. Nothing at all while there is no error. */
export function ErrorLine({ children }: { children: string | null }) {
  return (
    <div role="alert">
      {children !== null && children !== '' && (
        <p className={classes.line}>
          <IconAlertCircle size={18} stroke={1.8} aria-hidden="true" />
          <span>{children}</span>
        </p>
      )}
    </div>
  );
}
