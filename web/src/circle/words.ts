/** The words of recovery keys and links. Apart from the types, so that only views which ask for words load the list. */
export { WORD_LIST, wordsAddUp } from '@circle/client/words';
