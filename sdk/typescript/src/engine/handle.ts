import { CircleFailure } from '../errors';

const HANDLE = /^[a-z0-9][a-z0-9_.-]{1,31}$/;

/** Handles are compared in one form (NFKC, lower case). Throws HANDLE_INVALID. */
export function tidyHandle(handle: string): string {
  const tidy = handle.normalize('NFKC').trim().toLowerCase();
  if (!HANDLE.test(tidy)) {
    throw new CircleFailure('HANDLE_INVALID', 'A handle has 2 to 32 characters: letters a to z, digits, dots, dashes and underscores, beginning with a letter or digit.');
  }
  return tidy;
}
