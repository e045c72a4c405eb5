export type Piece = { kind: 'text'; text: string } | { kind: 'link'; text: string; href: string };

const ADDRESS = /\b(?:https?:\/\/|www\.)[^\s<>"'`]+/giu;
/** Punctuation that more often ends the sentence than the address. */
const TAIL = /[.,;:!?…'"*_~»”’]+$/u;

/** Splits a text at its web addresses. Only http and https become links, so no text can run a script. */
export function linkify(text: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = trimAddress(match[0]);
    const href = safeHref(address);
    if (href === null) continue;
    if (match.index > end) pieces.push({ kind: 'text', text: text.slice(end, match.index) });
    pieces.push({ kind: 'link', text: address, href });
    end = match.index + address.length;
  }
  if (end < text.length) pieces.push({ kind: 'text', text: text.slice(end) });
  return pieces;
}

function trimAddress(found: string): string {
  let address = found.replace(TAIL, '');
  // A closing bracket belongs to the address only if it was opened inside of it.
  for (const [open, close] of [['(', ')'], ['[', ']'], ['{', '}']] as const) {
    while (address.endsWith(close) && count(address, close) > count(address, open)) {
      address = address.slice(0, -1).replace(TAIL, '');
    }
  }
  return address;
}

function count(text: string, letter: string): number {
  return text.split(letter).length - 1;
}

function safeHref(address: string): string | null {
  try {
    const url = new URL(address.toLowerCase().startsWith('www.') ? `https://${address}` : address);
    return url.protocol === 'https:' || url.protocol === 'http:' ? url.href : null;
  } catch {
    return null;
  }
}
