import { FrontPage } from './FrontPage';
import classes from './NoOwner.module.css';

/** A fresh server that belongs to nobody yet. */
export function NoOwner() {
  return (
    <FrontPage
      title="This Circle is waiting for its owner"
      lead={
        <>
          <p>If you have just started Circle, look at the terminal where it runs. It shows a set-up link that works once:</p>
        </>
      }
    >
      <div className={classes.terminal} role="img" aria-label="A terminal that shows the set-up link">
        <span className={classes.dim}>Circle is ready at {location.origin}</span>
        <span>Set up your Circle:</span>
        <span className={classes.link}>{location.origin}/join#…</span>
      </div>
      <p className={classes.hint}>Open that link in this browser. If it is gone, stop Circle and start it again: it shows the link until there is an owner.</p>
    </FrontPage>
  );
}
