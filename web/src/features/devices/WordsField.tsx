import { useEffect, useId, useRef, useState, type ClipboardEvent, type KeyboardEvent, type ReactNode } from 'react';
import { WordSlot } from './WordSlot';
import { complete, examine, isWrong, nearest, noWords, spread, suggest, wordsIn } from './words';
import classes from './WordsField.module.css';

interface WordsFieldProps {
  /** One text per place; '' where nothing is yet. */
  words: string[];
  onChange: (words: string[]) => void;
  /** What the words are: 'Recovery key'. */
  label: string;
  autoFocus?: boolean;
  disabled?: boolean;
  /** Other ways to fill it. */
  children?: ReactNode;
}

/** Places for words of the list: each is checked as it is typed, several can be pasted at once. */
export function WordsField({ words, onChange, label, autoFocus = false, disabled = false, children }: WordsFieldProps) {
  const grid = useRef<HTMLDivElement>(null);
  // Moving on leaves one place and enters the next before the words come back from above.
  const latest = useRef(words);
  useEffect(() => {
    latest.current = words;
  });
  const hint = useId();
  const [active, setActive] = useState<number | null>(null);
  const [marked, setMarked] = useState(-1);
  const [closed, setClosed] = useState(false);
  const standing = examine(words, active);
  const typed = active === null ? '' : (words[active] ?? '');
  const found = suggest(typed);
  const offered = closed || found[0] === undefined || (found.length === 1 && found[0] === typed) ? [] : found;

  const focus = (place: number) => {
    const field = grid.current?.querySelectorAll('input')[Math.min(place, words.length - 1)];
    field?.focus();
    field?.select();
  };
  const update = (next: string[]) => {
    latest.current = next;
    onChange(next);
  };
  const put = (place: number, word: string) => update(latest.current.map((one, at) => (at === place ? word : one)));
  const putAll = (place: number, added: string[]) => {
    const next = spread(latest.current, place, added);
    update(next);
    const empty = next.indexOf('');
    focus(empty === -1 ? next.length - 1 : empty);
  };
  const change = (place: number, text: string) => {
    setMarked(-1);
    setClosed(false);
    const all = wordsIn(text);
    if (all.length > 1) putAll(place, all);
    else put(place, all[0] ?? '');
    // The keyboards of phones tell no key for a space, only the text.
    const whole = all.length === 1 && /[^\p{L}]$/u.test(text) ? complete(all[0] ?? '') : null;
    if (whole === null) return;
    put(place, whole);
    focus(place + 1);
  };
  const paste = (place: number, event: ClipboardEvent) => {
    const all = wordsIn(event.clipboardData.getData('text'));
    if (all.length < 2) return;
    event.preventDefault();
    putAll(place, all);
  };
  /** Takes the marked word, or the only one that is possible, and goes on. False while it could be several. */
  const accept = (place: number): boolean => {
    const word = offered[marked] ?? complete(typed);
    if (word === null) return false;
    put(place, word);
    setMarked(-1);
    if (place + 1 < words.length) focus(place + 1);
    else setClosed(true);
    return true;
  };
  const press = (place: number, event: KeyboardEvent<HTMLInputElement>) => {
    const { key, currentTarget } = event;
    if (key === 'ArrowDown' || key === 'ArrowUp') {
      if (offered.length === 0) return;
      event.preventDefault();
      setMarked((at) => (key === 'ArrowDown' ? Math.min(at + 1, offered.length - 1) : Math.max(at - 1, -1)));
    } else if (key === 'Escape' && offered.length > 0) {
      // Closes the suggestions alone, not what they stand in.
      event.preventDefault();
      event.stopPropagation();
      setClosed(true);
    } else if (key === ' ' || key === ',') {
      event.preventDefault();
      accept(place);
    } else if (key === 'Enter' && !(standing.ready && offered[marked] === undefined)) {
      event.preventDefault();
      accept(place);
    } else if (key === 'Backspace' && typed === '' && place > 0) {
      event.preventDefault();
      focus(place - 1);
    } else if (key === 'ArrowLeft' && currentTarget.selectionEnd === 0 && place > 0) {
      event.preventDefault();
      focus(place - 1);
    } else if (key === 'ArrowRight' && currentTarget.selectionStart === typed.length && place + 1 < words.length) {
      event.preventDefault();
      focus(place + 1);
    }
  };
  const leave = (place: number) => {
    const text = latest.current[place] ?? '';
    const word = complete(text);
    if (word !== null && word !== text) put(place, word);
    setActive(null);
  };

  return (
    <div>
      <div ref={grid} className={classes.grid} data-count={words.length} role="group" aria-label={label} aria-describedby={hint}>
        {words.map((word, place) => (
          <WordSlot
            key={place}
            place={place}
            word={word}
            wrong={isWrong(word, place === active)}
            offered={place === active ? offered : []}
            marked={marked}
            disabled={disabled}
            autoFocus={autoFocus && place === 0}
            onFocus={() => {
              setActive(place);
              setMarked(-1);
              setClosed(false);
            }}
            onBlur={() => leave(place)}
            onChange={(text) => change(place, text)}
            onPaste={(event) => paste(place, event)}
            onKeyDown={(event) => press(place, event)}
            onPick={(picked) => {
              put(place, picked);
              focus(place + 1);
            }}
          />
        ))}
      </div>
      <div className={classes.below} id={hint}>
        <span role="status" className={classes.count}>
          {standing.ready ? 'All words fit' : `${standing.filled} of ${words.length} words`}
        </span>
        {children}
        {words.some((word) => word !== '') && !disabled && (
          <button
            type="button"
            className={classes.clear}
            onClick={() => {
              update(noWords(words.length));
              focus(0);
            }}
          >
            Clear
          </button>
        )}
      </div>
      <Trouble words={words} wrong={standing.wrong} mismatch={standing.mismatch} onMend={put} />
    </div>
  );
}

interface TroubleProps {
  words: string[];
  wrong: number | null;
  mismatch: boolean;
  onMend: (place: number, word: string) => void;
}

/** Names what is wrong, and what was probably meant. */
function Trouble({ words, wrong, mismatch, onMend }: TroubleProps) {
  const typed = wrong === null ? '' : (words[wrong] ?? '');
  const meant = typed.length < 3 ? null : nearest(typed);
  return (
    <div role="alert">
      {wrong !== null && (
        <p className={classes.trouble}>
          Word {wrong + 1}, “{typed}”, is not in the list.{' '}
          {meant === null ? 'Please look at it again.' : 'Did you mean '}
          {meant !== null && (
            <>
              <button type="button" onClick={() => onMend(wrong, meant)}>
                {meant}
              </button>
              ?
            </>
          )}
        </p>
      )}
      {mismatch && (
        <p className={classes.trouble}>Each word is in the list, but together they do not fit: one of them is another word, or two have changed places. Please compare them one by one.</p>
      )}
    </div>
  );
}
