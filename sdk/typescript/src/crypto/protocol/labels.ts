/** Domain separation: X, H, SIG and KDF of e2ee.md section 2. */
import { concat, EMPTY, utf8, type Bytes } from './bytes';
import { encode, type Value } from './cbor';
import { hkdf, hpkeOpen, hpkeSeal, sha256, sign, verify, type SealKey, type SigningKey } from './primitives';

/** Every label of the page, and no other. */
export const LABELS = [
  'member', 'member-key', 'device-seal', 'roster', 'epoch', 'complaint', 'envelope',
  'recovery-sign', 'recovery-seal', 'member-seed', 'archive', 'member-box', 'rewrap',
  'epoch-secret', 'branch', 'commit', 'epoch-seal', 'grant', 'recipients', 'log', 'syn',
  'envelope-key', 'link-id', 'link-request', 'link-answer', 'chunk', 'share', 'media',
  'invite', 'safety', 'password-auth', 'password-unlock',
] as const;
export type Label = (typeof LABELS)[number];

const ZERO_BYTE: Bytes = new Uint8Array(1);

/** X over a body kept as the bytes received: `circle/v1 ` ‖ label ‖ 0x00 ‖ body. */
export function xBody(label: Label, body: Uint8Array): Bytes {
  return concat(utf8(`circle/v1 ${label}`), ZERO_BYTE, body);
}

/** X(l, v) = `circle/v1 ` ‖ l ‖ 0x00 ‖ E(v). */
export function x(label: Label, value: Value): Bytes {
  return xBody(label, encode(value));
}

/** H of a body kept as the bytes received: SHA-256(X). */
export function hBody(label: Label, body: Uint8Array): Promise<Bytes> {
  return sha256(xBody(label, body));
}

/** H(l, v) = SHA-256(X(l, v)). */
export function h(label: Label, value: Value): Promise<Bytes> {
  return sha256(x(label, value));
}

/** KDF(k, salt, l, v, n) = HKDF-SHA256(IKM k, salt, info X(l, v), n bytes); no salt is written `-` on the page. */
export function kdf(key: Bytes, salt: Bytes | null, label: Label, value: Value, length: number): Promise<Bytes> {
  return hkdf(key, salt ?? EMPTY, x(label, value), length);
}

/** SIG(l, v) over a body's bytes. Signatures can be random: never hash, compare or remake one. */
export function signBody(key: SigningKey, label: Label, body: Uint8Array): Promise<Bytes> {
  return sign(key, xBody(label, body));
}

/** Verifies SIG(l, v) over a body as received. @throws {ProtocolError} ed25519/FORBIDDEN */
export function verifyBody(publicKey: Bytes, signature: Bytes, label: Label, body: Uint8Array): Promise<void> {
  return verify(publicKey, signature, xBody(label, body));
}

/** SEAL(pk, l, v, m). @throws {ProtocolError} seal/MALFORMED for a key that is none */
export function seal(publicKey: Bytes, label: Label, value: Value, text: Bytes): Promise<Bytes> {
  return hpkeSeal(publicKey, x(label, value), text);
}

/** Opens SEAL(pk, l, v, m). @throws {ProtocolError} seal/BAD_SEAL */
export function openSeal(key: SealKey, label: Label, value: Value, sealed: Bytes): Promise<Bytes> {
  return hpkeOpen(key, x(label, value), sealed);
}
