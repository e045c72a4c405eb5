import type { Person } from '../../circle';
import { typingWords, useSpokenTyping } from './typingWords';
import classes from './Typing.module.css';

/** Above the composer: who is writing just now. Its room is always there, so that nothing jumps. */
export function Typing({ people }: { people: Person[] }) {
  const words = typingWords(people);
  const spoken = useSpokenTyping(people);
  return (
    <div className={classes.typing}>
      {words !== null && (
        <p className={classes.words} aria-hidden="true">
          <TypingDots />
          {words}
        </p>
      )}
      <p className="visually-hidden" role="status" aria-label="Typing">
        {spoken}
      </p>
    </div>
  );
}

/** Three dots that go up and down; still where motion is not wanted. */
function TypingDots() {
  return (
    <span className={classes.dots}>
      <span />
      <span />
      <span />
    </span>
  );
}
