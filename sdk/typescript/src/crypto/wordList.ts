/** The list that recovery keys and links take their words from, for fields that check a word as it is typed. Nothing secret is in it. */
import { validateMnemonic } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';

/** 2048 lower-case words in alphabetical order; the first four letters tell each from all others. */
export const WORD_LIST: readonly string[] = wordlist;

/** Whether words of the list fit together: the last one holds a checksum of the others (BIP 39). */
export function wordsAddUp(words: readonly string[]): boolean {
  return validateMnemonic(words.join(' '), wordlist);
}
