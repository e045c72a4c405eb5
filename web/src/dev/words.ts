/** Words of the real list with a right checksum: the key that one signs up with, the one that replaces it, a link's. */
export const FIRST_KEY =
  'skin rose dwarf neither rookie tornado twelve economy receive speed warfare opera journey jewel theory moon example noise gas upper foot warm carry jewel'.split(' ');
export const SECOND_KEY =
  'dilemma butter airport about night pink soda clarify grace check hobby harbor rookie rug acquire box clump film table tail unhappy sock act poet'.split(' ');
export const LINK_WORDS = 'common truly abstract famous amateur illness nut pact release prize cannon energy'.split(' ');
export const OTHER_LINK_WORDS = 'board giggle orphan margin accident duty course canyon negative situate end capital'.split(' ');
