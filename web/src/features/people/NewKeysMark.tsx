import classes from './People.module.css';

/** In a list of people: this one began anew with another identity and has not been let in again. */
export function NewKeysMark() {
  return <span className={classes.newKeys}>New identity</span>;
}
