import { IconAlertCircle } from '@tabler/icons-react';
import classes from './ErrorLine.module.css';

interface ErrorLineProps {
  children: string | null;
  /** Offers to try again. */
  onRetry?: () => void;
}

/** A sentence about what went wrong, announced when it appears. Nothing at all while there is no error. */
export function ErrorLine({ children, onRetry }: ErrorLineProps) {
  return (
    <div role="alert">
      {children !== null && children !== '' && (
        <p className={classes.line}>
          <IconAlertCircle size={18} stroke={1.8} aria-hidden="true" />
          <span>
            {children}{' '}
            {onRetry && (
              <button type="button" onClick={onRetry}>
                Try again
              </button>
            )}
          </span>
        </p>
      )}
    </div>
  );
}
