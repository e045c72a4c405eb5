const FALLBACK = 'That did not work. Please try again.';

/** The sentence to show for anything thrown: the client's errors carry one that is fit for a person. */
export function plainMessage(error: unknown): string {
  if (error instanceof Error && 'code' in error && error.message !== '') return error.message;
  return FALLBACK;
}

/** The stable code of a client's error, or null for anything else. */
export function errorCode(error: unknown): string | null {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return null;
}
