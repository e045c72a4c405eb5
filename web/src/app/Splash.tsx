import { Logo } from '../ui';
import classes from './Splash.module.css';

/** While nothing is known yet; it appears only if that takes a moment. */
export function Splash() {
  return (
    <div className={classes.splash} role="status" aria-label="Starting Circle">
      <Logo size={56} />
    </div>
  );
}
