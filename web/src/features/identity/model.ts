import { countCharacters } from '../../ui';

/** The rules of sign-up that can be checked before anything is sent, as sentences. Null means fine. */

export const PASSWORD_LENGTH = 10;
const NAME_LENGTH = 80;
const HANDLE = /^[a-z0-9][a-z0-9_.-]{1,31}$/;

export function nameProblem(name: string): string | null {
  const length = countCharacters(name.trim());
  if (length === 0) return 'Please enter the name that others will see.';
  return length > NAME_LENGTH ? `A name has at most ${NAME_LENGTH} characters.` : null;
}

/** Handles are compared in this form: one way to write each. */
export function normalHandle(handle: string): string {
  return handle.normalize('NFKC').trim().replace(/^@/, '').toLowerCase();
}

export function handleProblem(handle: string): string | null {
  const normal = normalHandle(handle);
  if (normal === '') return 'Please choose a handle.';
  if (HANDLE.test(normal)) return null;
  if (normal.length < 2 || normal.length > 32) return 'A handle has 2 to 32 characters.';
  return 'A handle has letters a to z, digits, and . _ - inside, and begins with a letter or a digit.';
}

export function passwordProblem(password: string): string | null {
  const length = countCharacters(password);
  if (length === 0) return 'Please choose a password.';
  return length < PASSWORD_LENGTH ? `Please use at least ${PASSWORD_LENGTH} characters. A short sentence works well.` : null;
}

export function repeatProblem(password: string, repeat: string): string | null {
  return password === repeat ? null : 'The two passwords are not the same.';
}

/** A handle made from a name: 'Ada Lindqvist' gives 'ada.lindqvist'; '' where nothing of it can be used. */
export function suggestHandle(name: string): string {
  const plain = name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  const handle = plain.replace(/[^a-z0-9]+/g, '.').replace(/^\.+|\.+$/g, '').slice(0, 32).replace(/\.+$/, '');
  return HANDLE.test(handle) ? handle : '';
}

/** Which of the words to ask for: `count` different positions from 0, ascending. */
export function pickPositions(total: number, count: number, random: () => number = Math.random): number[] {
  const left = Array.from({ length: total }, (_, index) => index);
  const picked: number[] = [];
  while (picked.length < count && left.length > 0) {
    picked.push(...left.splice(Math.floor(random() * left.length), 1));
  }
  return picked.sort((one, other) => one - other);
}

export function sameWord(typed: string, word: string): boolean {
  return typed.trim().toLowerCase() === word.toLowerCase();
}

const BROWSERS: [RegExp, string][] = [
  [/Edg\//, 'Edge'],
  [/OPR\//, 'Opera'],
  [/Firefox\/|FxiOS/, 'Firefox'],
  [/Chrome\/|CriOS/, 'Chrome'],
  [/Safari\//, 'Safari'],
];
const SYSTEMS: [RegExp, string][] = [
  [/iPhone/, 'iPhone'],
  [/iPad/, 'iPad'],
  [/Android/, 'Android'],
  [/Windows/, 'Windows'],
  [/Mac OS X/, 'Mac'],
  [/Linux|CrOS/, 'Linux'],
];

/** What this browser calls itself in the list of devices and sessions: 'Firefox on Windows'. */
export function describeBrowser(userAgent: string): string {
  const find = (table: [RegExp, string][]) => table.find(([pattern]) => pattern.test(userAgent))?.[1];
  return `${find(BROWSERS) ?? 'A browser'} on ${find(SYSTEMS) ?? 'a computer'}`;
}

const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long', year: 'numeric' });

/** The day on which a key was made, as it stands on paper. */
export function madeOn(time: number): string {
  return day.format(time);
}

/** The text of the file that 'Download' saves. */
export function recoveryText(words: string[], handle: string, origin: string, made: number): string {
  const rows = words.map((word, index) => `${String(index + 1).padStart(2, ' ')}. ${word}`);
  return [
    'Circle recovery key',
    `${handle === '' ? '' : `@${handle}, `}${origin}`,
    `Made on ${madeOn(made)}`,
    '',
    ...rows,
    '',
    'If you lose your devices, these words bring back your account and your messages:',
    'sign in, choose "Use your recovery key" and type them in this order.',
    '',
    'Whoever has these words and your password can read what you can read. Keep them where only you can find them.',
    'Nobody can make them again for you.',
    '',
  ].join('\n');
}
