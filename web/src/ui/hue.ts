/** A hue of 0 to 359 that always is the same for an id, whatever the id looks like (FNV-1a, spread in steps). */
export function hueOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < id.length; index += 1) {
    hash = Math.imul(hash ^ id.charCodeAt(index), 0x01000193);
  }
  return ((hash >>> 0) % 24) * 15;
}

/** One or two letters for a name: 'Ada Lovelace' gives 'AL', 'ada' gives 'A'. */
export function initialsOf(name: string): string {
  const words = name.trim().split(/\s+/u).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const letters = (words.length > 1 ? [words[0], words.at(-1)] : words.slice(0, 1)).map((word) => firstLetter(word ?? ''));
  return letters.join('').toLocaleUpperCase() || '?';
}

function firstLetter(word: string): string {
  return /[\p{L}\p{N}]/u.exec(word)?.[0] ?? '';
}
