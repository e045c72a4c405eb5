import { Fragment } from 'react';
import classes from './Keys.module.css';

const APPLE = /Mac|iPhone|iPad/.test(navigator.userAgent);

/** What 'Mod' is called on this keyboard. */
export const MOD = APPLE ? '⌘' : 'Ctrl';

/** Keys as they stand on the keyboard: 'Mod+K'. */
export function Keys({ combination }: { combination: string }) {
  const keys = combination.split('+').map((key) => (key === 'Mod' ? MOD : key));
  return (
    <span className={classes.keys}>
      {keys.map((key, index) => (
        <Fragment key={key}>
          {index > 0 && <span className="visually-hidden"> and </span>}
          <kbd>{key}</kbd>
        </Fragment>
      ))}
    </span>
  );
}
