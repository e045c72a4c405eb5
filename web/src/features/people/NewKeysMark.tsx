import classes from './People.module.css';

/** In a list of people: this one has new keys and has not been let in again. */
export function NewKeysMark() {
  return <span className={classes.newKeys}>New keys</span>;
}
