import { WORD_LIST, wordsAddUp } from '../../circle/words';

/** How many words a link and a recovery key have. */
export const LINK_LENGTH = 12;
export const KEY_LENGTH = 24;

const KNOWN = new Set(WORD_LIST);
const SUGGESTED = 5;
/** A word with so many wrong letters could be any. */
const FARTHEST = 2;

export function noWords(count: number): string[] {
  return Array.from({ length: count }, () => '');
}

export function isWord(text: string): boolean {
  return KNOWN.has(text);
}

/** The words of a text as somebody pastes it: lower case, without numbers and punctuation. */
export function wordsIn(text: string): string[] {
  return text.normalize('NFKD').toLowerCase().match(/[a-z]+/g) ?? [];
}

/** What could be meant by the beginning of a word, in the order of the list. */
export function suggest(start: string): string[] {
  if (start === '') return [];
  const found: string[] = [];
  for (const word of WORD_LIST) {
    if (word.startsWith(start)) found.push(word);
    if (found.length === SUGGESTED) break;
  }
  return found;
}

/** The only word that begins so, or the word itself; null while it could be several or none. */
export function complete(typed: string): string | null {
  if (isWord(typed)) return typed;
  const [first, second] = suggest(typed);
  return first !== undefined && second === undefined ? first : null;
}

/** The word that somebody meant with a wrong letter or two; null where none is near. */
export function nearest(typed: string): string | null {
  let best: string | null = null;
  let least = FARTHEST + 1;
  for (const word of WORD_LIST) {
    const apart = distance(typed, word);
    if (apart < least) [best, least] = [word, apart];
  }
  return best;
}

/** Letters to add, take away, change, or swap with their neighbour, to get from one word to the other. */
function distance(one: string, other: string): number {
  if (Math.abs(one.length - other.length) > FARTHEST) return FARTHEST + 1;
  let [before, above] = [[] as number[], Array.from({ length: other.length + 1 }, (_, at) => at)];
  for (let i = 1; i <= one.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= other.length; j += 1) {
      const same = one[i - 1] === other[j - 1];
      let least = Math.min((above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (above[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]) least = Math.min(least, (before[j - 2] ?? 0) + 1);
      row.push(least);
    }
    [before, above] = [above, row];
  }
  return above[other.length] ?? FARTHEST + 1;
}

/** Where the words stand: `wrong` is the first place with something that is no word of the list. */
export interface Standing {
  filled: number;
  wrong: number | null;
  /** All are there and in the list, but the checksum in the last one does not fit. */
  mismatch: boolean;
  ready: boolean;
}

/** Whether a text is no word of the list. While it is being typed it may still become one. */
export function isWrong(text: string, typing: boolean): boolean {
  return text !== '' && !isWord(text) && !(typing && suggest(text).length > 0);
}

/** `active` is the place in which somebody is typing. */
export function examine(words: string[], active: number | null = null): Standing {
  const wrong = words.findIndex((word, place) => isWrong(word, place === active));
  const filled = words.filter(isWord).length;
  const all = filled === words.length;
  const fits = all && wordsAddUp(words);
  return { filled, wrong: wrong === -1 ? null : wrong, mismatch: all && !fits, ready: fits };
}

/** Puts several words where one was typed or pasted. As many words as there are places always begin at the first. */
export function spread(words: string[], place: number, added: string[]): string[] {
  const start = added.length >= words.length ? 0 : place;
  return words.map((word, at) => added[at - start] ?? word);
}

/** The key in a saved file: numbered lines first, else the run of words of the list that fit together; null where there is none. */
export function findKey(text: string, count: number): string[] | null {
  const numbered = [...text.matchAll(/(?:^|\s)(\d{1,2})[.):\s]\s*([A-Za-z]+)/g)].map(([, place, word]) => ({ place: Number(place), word: (word ?? '').toLowerCase() }));
  const inOrder = numbered.filter(({ place }) => place >= 1 && place <= count).sort((one, other) => one.place - other.place);
  if (inOrder.length === count && inOrder.every(({ place, word }, at) => place === at + 1 && isWord(word))) return inOrder.map(({ word }) => word);
  const all = wordsIn(text);
  for (let start = 0; start + count <= all.length; start += 1) {
    const run = all.slice(start, start + count);
    if (run.every(isWord) && wordsAddUp(run)) return run;
  }
  return null;
}
