/** The password construction of e2ee.md section 12: what the server gets opens nothing. */
import type { Bytes } from './bytes';
import { demand } from './errors';
import { kdf } from './labels';
import { argon, ARGON, type ArgonParameters } from './primitives';

/** Shortest password a client accepts, in characters of its NFKC form. */
export const PASSWORD_LEAST = 10;
const SALT = 16;
/** A browser tab cannot pay more; a server that asks for it would only lock people out. */
const MOST: ArgonParameters = { memoryKib: 1_048_576, iterations: 32, lanes: 1 };

/** What the server's `passwordParameters` names. */
export interface PasswordParameters extends ArgonParameters {
  readonly salt: Bytes;
}

/**
 * root = ARGON(password, salt). Slow on purpose (0.3 to 2 s). Clients refuse weaker
 * parameters than version 1's.
 * @throws {ProtocolError} derivation/WEAK_PARAMETERS; derivation/MALFORMED for an ill-formed text
 */
export async function passwordRoot(password: string, parameters: PasswordParameters): Promise<Bytes> {
  const { salt, memoryKib, iterations, lanes } = parameters;
  const strong = salt.length === SALT && memoryKib >= ARGON.memoryKib && iterations >= ARGON.iterations && lanes === ARGON.lanes;
  demand(strong, 'derivation', 'WEAK_PARAMETERS', "The server asks for a weaker password protection than this version's.");
  const payable = memoryKib <= MOST.memoryKib && iterations <= MOST.iterations;
  demand(payable, 'derivation', 'WEAK_PARAMETERS', 'The server asks for more than this client can compute.');
  demand(!/\p{Cs}/u.test(password), 'derivation', 'MALFORMED', 'This password holds characters that are none.');
  return argon(password, salt, { memoryKib, iterations, lanes });
}

/** Whether a new password is long enough to be taken. */
export function isPasswordLongEnough(password: string): boolean {
  return Array.from(password.normalize('NFKC')).length >= PASSWORD_LEAST;
}

/** What the server is shown: KDF(root, -, password-auth, [], 32). */
export function passwordAuth(root: Bytes): Promise<Bytes> {
  return kdf(root, null, 'password-auth', [], 32);
}

/** What wraps the local store and never leaves: KDF(root, -, password-unlock, [member, device], 32). */
export function passwordUnlock(root: Bytes, member: Bytes, device: Bytes): Promise<Bytes> {
  return kdf(root, null, 'password-unlock', [member, device], 32);
}
