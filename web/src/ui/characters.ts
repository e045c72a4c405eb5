/** Characters as the server counts them: Unicode code points. */
export function countCharacters(text: string): number {
  return Array.from(text).length;
}
