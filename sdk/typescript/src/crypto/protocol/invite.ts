/**
 * Invites (e2ee.md section 12): the link's fragment pins the inviter for the newcomer, the MAC pins
 * the newcomer for the inviter. The server sees the token alone.
 */
import { concat, equal, fromBase64Url, toBase64Url, type Bytes } from './bytes';
import { demand, ProtocolError } from './errors';
import { kdf } from './labels';
import { mac } from './primitives';

const TOKEN = 16;
const SECRET = 32;
const IDENTITY = 32;

/** What the fragment of a join link holds; a set-up link and an invite of the command line hold the token alone. */
export interface JoinLink {
  /** Shown to the server, which stores its SHA-256; also the invite's id in the formulas. */
  readonly token: Bytes;
  /** `i` and the inviter's ID, which the server never sees. */
  readonly pin: { readonly secret: Bytes; readonly inviter: Bytes } | null;
}

/** base64url of token(16) ‖ i(32) ‖ inviter ID(32), or of the token alone. */
export function joinFragment(link: JoinLink): string {
  return toBase64Url(link.pin === null ? link.token : concat(link.token, link.pin.secret, link.pin.inviter));
}

/**
 * Reads a fragment, with or without its `#`.
 * @throws {ProtocolError} derivation/BAD_INVITE for anything but 16 or 80 bytes of base64url
 */
export function parseJoinFragment(fragment: string): JoinLink {
  const refusal = new ProtocolError('derivation', 'BAD_INVITE', 'This invite link is damaged; ask for it again.');
  let bytes: Bytes;
  try {
    bytes = fromBase64Url(fragment.replace(/^#/, ''));
  } catch {
    throw refusal;
  }
  if (bytes.length === TOKEN) return { token: bytes, pin: null };
  if (bytes.length !== TOKEN + SECRET + IDENTITY) throw refusal;
  const at = TOKEN + SECRET;
  return { token: bytes.slice(0, TOKEN), pin: { secret: bytes.slice(TOKEN, at), inviter: bytes.slice(at) } };
}

/** MAC(KDF(i, -, invite, [invite], 32), inviter ID ‖ newcomer's ID). */
export async function inviteMac(secret: Bytes, token: Bytes, inviter: Bytes, newcomer: Bytes): Promise<Bytes> {
  demand(inviter.length === IDENTITY && newcomer.length === IDENTITY, 'derivation', 'BAD_INVITE', 'An ID has 32 bytes.');
  return mac(await kdf(secret, null, 'invite', [token], 32), concat(inviter, newcomer));
}

/**
 * The inviter's check before pinning the newcomer's ID.
 * @throws {ProtocolError} derivation/BAD_INVITE
 */
export async function checkInviteMac(secret: Bytes, token: Bytes, inviter: Bytes, newcomer: Bytes, claimed: Bytes): Promise<void> {
  const fits = equal(await inviteMac(secret, token, inviter, newcomer), claimed);
  demand(fits, 'derivation', 'BAD_INVITE', 'The newcomer did not use this invite, or the server changed their keys.');
}
