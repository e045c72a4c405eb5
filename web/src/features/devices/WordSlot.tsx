import { useId, type ClipboardEvent, type KeyboardEvent } from 'react';
import classes from './WordsField.module.css';

interface WordSlotProps {
  place: number;
  word: string;
  wrong: boolean;
  /** What could be meant, while one is typing here. */
  offered: string[];
  marked: number;
  disabled: boolean;
  autoFocus: boolean;
  onFocus: () => void;
  onBlur: () => void;
  onChange: (text: string) => void;
  onPaste: (event: ClipboardEvent) => void;
  onKeyDown: (event: KeyboardEvent<HTMLInputElement>) => void;
  onPick: (word: string) => void;
}

/** One numbered place, a combobox over the word list. */
export function WordSlot({ place, word, wrong, offered, marked, disabled, autoFocus, onFocus, onBlur, onChange, onPaste, onKeyDown, onPick }: WordSlotProps) {
  const list = useId();
  const open = offered.length > 0;
  return (
    <div className={classes.slot} data-wrong={wrong}>
      <span className={classes.number} aria-hidden="true">
        {place + 1}
      </span>
      <input
        className={classes.input}
        name={`word-${place}`}
        aria-label={`Word ${place + 1}`}
        role="combobox"
        aria-autocomplete="list"
        aria-expanded={open}
        aria-controls={list}
        aria-activedescendant={open && marked >= 0 ? `${list}-${marked}` : undefined}
        aria-invalid={wrong}
        autoComplete="off"
        autoCapitalize="none"
        autoCorrect="off"
        spellCheck={false}
        enterKeyHint="next"
        autoFocus={autoFocus}
        // For windows, which move the focus into themselves when they open.
        data-autofocus={autoFocus || undefined}
        disabled={disabled}
        value={word}
        onFocus={onFocus}
        onBlur={onBlur}
        onChange={(event) => onChange(event.currentTarget.value)}
        onPaste={onPaste}
        onKeyDown={onKeyDown}
      />
      <ul id={list} role="listbox" aria-label={`Words for place ${place + 1}`} className={classes.offered} hidden={!open}>
        {offered.map((one, at) => (
          // The keys are the field's; a press must not take the focus away before it is taken.
          <li key={one} id={`${list}-${at}`} role="option" aria-selected={at === marked} onMouseDown={(event) => event.preventDefault()} onClick={() => onPick(one)}>
            <strong>{one.slice(0, word.length)}</strong>
            {one.slice(word.length)}
          </li>
        ))}
      </ul>
    </div>
  );
}
