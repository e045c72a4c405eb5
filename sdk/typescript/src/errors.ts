import type { CircleError } from './types';

/** Every failure that leaves the client: `message` is a plain sentence fit for a person, `code` is stable. */
export class CircleFailure extends Error implements CircleError {
  readonly code: string;
  readonly retryAfter?: number;
  /** What a caller inside the client may act on, such as the conversation that exists already. */
  readonly detail?: string;

  constructor(code: string, message: string, extra: { retryAfter?: number; detail?: string; cause?: unknown } = {}) {
    super(message, 'cause' in extra ? { cause: extra.cause } : undefined);
    this.name = 'CircleError';
    this.code = code;
    if (extra.retryAfter !== undefined) this.retryAfter = extra.retryAfter;
    if (extra.detail !== undefined) this.detail = extra.detail;
  }
}

/** What the server shows as proof that this device was taken out of its account: a signed link, not believed yet. */
export interface Revocation {
  body: Uint8Array<ArrayBuffer>;
  signature: Uint8Array<ArrayBuffer>;
  cosignature: Uint8Array<ArrayBuffer> | null;
}

/** DEVICE_REVOKED, with the server's proof; without one nothing may be deleted. */
export class DeviceRevoked extends CircleFailure {
  readonly proof: Revocation | null;

  constructor(proof: Revocation | null) {
    super('DEVICE_REVOKED', 'This device was removed from your account.');
    this.proof = proof;
  }
}

/** The server says DEVICE_REVOKED and cannot prove it: nothing was deleted. */
export class RevocationUnproven extends CircleFailure {
  constructor() {
    super('REVOCATION_UNPROVEN', 'The server says that this device was removed from your account, but cannot prove it. Nothing was deleted.');
  }
}

/** Codes of failures that say nothing about whether the server did what it was asked. */
const UNCERTAIN = new Set(['OFFLINE', 'TIMEOUT', 'SERVER', 'INTERNAL', 'UNAVAILABLE']);

/** The code of a failure, or 'UNEXPECTED' for anything that is no CircleFailure. */
export function codeOf(error: unknown): string {
  return error instanceof CircleFailure ? error.code : 'UNEXPECTED';
}

/** True when the request may or may not have reached the server, so that only asking again can tell. */
export function isUncertain(error: unknown): boolean {
  return UNCERTAIN.has(codeOf(error));
}

/** Any thrown value as a CircleFailure. The text of an unexpected error is not shown: it is no plain sentence; it is the cause. */
export function asFailure(error: unknown): CircleFailure {
  if (error instanceof CircleFailure) return error;
  return new CircleFailure('UNEXPECTED', 'Something went wrong in this app. Please try again.', { cause: error });
}
