/**
 * The primitives of e2ee.md section 1: WebCrypto for AES-GCM, Ed25519 and long digests, `@noble/hashes` for short
 * digests, MACs and HKDF, `@hpke` for X-Wing, `hash-wasm` for Argon2id. None is written by hand; what is written here
 * are the checks on bytes that must come first.
 */
import { Aes256Gcm, CipherSuite, HkdfSha256 } from '@hpke/core';
import { XWing } from '@hpke/hybridkem-x-wing';
import { hkdf as expand } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 as digest } from '@noble/hashes/sha2.js';
import { argon2id } from 'hash-wasm';
import { asBytes, concat, EMPTY, fromBase64Url, fromHex, toHex, utf8, type Bytes } from './bytes';
import { demand, ProtocolError } from './errors';
import { ed25519Refusal, xWingRefusal } from './points';

const subtle = globalThis.crypto.subtle;

export const KEY_LENGTH = 32;
/** Length of an Ed25519 signature. */
export const SIGNATURE_LENGTH = 64;
/** Length of an X-Wing public key: 1184 bytes of ML-KEM-768, 32 of X25519. */
export const SEAL_PUBLIC_LENGTH = 1216;
const ENC_LENGTH = 1120;
const TAG_LENGTH = 16;
/** What a SEAL adds to its text. */
export const SEAL_OVERHEAD = ENC_LENGTH + TAG_LENGTH;
const NONCE_ZERO: Bytes = new Uint8Array(12);

export function randomBytes(length: number): Bytes {
  return globalThis.crypto.getRandomValues(new Uint8Array(length));
}

/** Up to here a digest is done sooner than the engine's own thread is asked for it (docs/decisions/0095). */
const SHORT = 4096;

export async function sha256(data: Bytes): Promise<Bytes> {
  return asBytes(data.length <= SHORT ? digest(data) : await subtle.digest('SHA-256', data));
}

/** A key of MACs taken into use once for many texts. */
export type MacKey = ReturnType<typeof hmac.create>;

export function macKey(key: Bytes): MacKey {
  return hmac.create(digest, key);
}

/** HMAC-SHA256. */
export function mac(key: Bytes, data: Bytes): Promise<Bytes> {
  return Promise.resolve(asBytes(hmac(digest, key, data)));
}

export function macWith(key: MacKey, data: Bytes): Bytes {
  return asBytes(key.clone().update(data).digest());
}

/** HKDF-SHA256 with all its inputs spelled out; the protocol derives through `labels.kdf` only. */
export function hkdf(ikm: Bytes, salt: Bytes, info: Bytes, length: number): Promise<Bytes> {
  return new Promise((resolve) => {
    resolve(asBytes(expand(digest, ikm, salt, info, length)));
  });
}

/** AES-256-GCM, the 16-byte tag last. A key of the page that seals one plaintext ever takes `nonce` null: 12 zero bytes. */
export async function gcmSeal(key: Bytes, nonce: Bytes | null, aad: Bytes | null, text: Bytes): Promise<Bytes> {
  const imported = await subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt']);
  const algorithm = { name: 'AES-GCM', iv: nonce ?? NONCE_ZERO, additionalData: aad ?? EMPTY, tagLength: 128 };
  return asBytes(await subtle.encrypt(algorithm, imported, text));
}

/** @returns the text, or null if the key, nonce, additional data or bytes are not those it was sealed with. */
export async function gcmOpen(key: Bytes, nonce: Bytes | null, aad: Bytes | null, sealed: Bytes): Promise<Bytes | null> {
  if (sealed.length < TAG_LENGTH) return null;
  const imported = await subtle.importKey('raw', key, 'AES-GCM', false, ['decrypt']);
  const algorithm = { name: 'AES-GCM', iv: nonce ?? NONCE_ZERO, additionalData: aad ?? EMPTY, tagLength: 128 };
  try {
    return asBytes(await subtle.decrypt(algorithm, imported, sealed));
  } catch {
    return null;
  }
}

// ---- SIG: Ed25519

export interface SigningKey {
  readonly seed: Bytes;
  readonly publicKey: Bytes;
  readonly key: CryptoKey;
}

const PKCS8_ED25519 = fromHex('302e020100300506032b657004220420');

/**
 * The Ed25519 key of a raw 32-byte seed.
 * @throws {ProtocolError} ed25519/FORBIDDEN for another length.
 */
export async function signingKeyFromSeed(seed: Bytes): Promise<SigningKey> {
  demand(seed.length === KEY_LENGTH, 'ed25519', 'FORBIDDEN', 'A signing seed has 32 bytes.');
  const pkcs8 = concat(PKCS8_ED25519, seed);
  // WebCrypto tells a public key only by exporting an extractable private one
  const open = await subtle.importKey('pkcs8', pkcs8, 'Ed25519', true, ['sign']);
  const { x } = await subtle.exportKey('jwk', open);
  demand(x !== undefined, 'ed25519', 'FORBIDDEN', 'This engine does not tell the public key.');
  const key = await subtle.importKey('pkcs8', pkcs8, 'Ed25519', false, ['sign']);
  return { seed: asBytes(seed), publicKey: fromBase64Url(x), key };
}

export function generateSigningKey(): Promise<SigningKey> {
  return signingKeyFromSeed(randomBytes(KEY_LENGTH));
}

export async function sign(key: SigningKey, message: Bytes): Promise<Bytes> {
  return asBytes(await subtle.sign('Ed25519', key.key, message));
}

/**
 * Refuses a public key that is not canonical or of small order, before any library sees it.
 * @throws {ProtocolError} ed25519/FORBIDDEN
 */
export function checkSigningPublicKey(publicKey: Bytes): void {
  demand(publicKey.length === KEY_LENGTH && ed25519Refusal(publicKey) === null, 'ed25519', 'FORBIDDEN', 'This is no signing key that may be used.');
}

/** Public keys taken into use already: a conversation's messages are signed by few devices. */
const verifiers = new Map<string, CryptoKey>();
const VERIFIERS = 256;

async function verifier(publicKey: Bytes): Promise<CryptoKey> {
  const name = toHex(publicKey);
  const known = verifiers.get(name);
  if (known) return known;
  const key = await subtle.importKey('raw', publicKey, 'Ed25519', false, ['verify']);
  if (verifiers.size >= VERIFIERS) verifiers.clear();
  verifiers.set(name, key);
  return key;
}

/**
 * Ed25519 without cofactor (section 1). A, R and S are checked on their bytes first.
 * @throws {ProtocolError} ed25519/FORBIDDEN unless the signature is that key's over the message
 */
export async function verify(publicKey: Bytes, signature: Bytes, message: Bytes): Promise<void> {
  checkSigningPublicKey(publicKey);
  const refused = signature.length !== SIGNATURE_LENGTH || ed25519Refusal(signature.subarray(0, 32), signature.subarray(32)) !== null;
  demand(!refused, 'ed25519', 'FORBIDDEN', 'This is no signature that may be used.');
  let fits = false;
  try {
    fits = await subtle.verify('Ed25519', await verifier(publicKey), signature, message);
  } catch {
    // some engines refuse bytes that are no point at import, others at verification
  }
  demand(fits, 'ed25519', 'FORBIDDEN', 'The signature does not fit.');
}

// ---- SEAL: HPKE base, single shot, X-Wing, HKDF-SHA256, AES-256-GCM

export interface SealKey {
  /** The 32-byte private key. */
  readonly seed: Bytes;
  readonly publicKey: Bytes;
}

const kem = new XWing();
const suite = new CipherSuite({ kem, kdf: new HkdfSha256(), aead: new Aes256Gcm() });

/** The X-Wing key of a 32-byte seed. @throws {ProtocolError} seal/MALFORMED for another length. */
export async function sealKeyFromSeed(seed: Bytes): Promise<SealKey> {
  demand(seed.length === KEY_LENGTH, 'seal', 'MALFORMED', 'A sealing seed has 32 bytes.');
  const pair = await kem.generateKeyPairDerand(asBytes(seed));
  return { seed: asBytes(seed), publicKey: asBytes(await kem.serializePublicKey(pair.publicKey)) };
}

export function generateSealKey(): Promise<SealKey> {
  return sealKeyFromSeed(randomBytes(KEY_LENGTH));
}

/** @throws {ProtocolError} seal/MALFORMED for another length, a coefficient >= q or a low-order X25519 half. */
export function checkSealPublicKey(publicKey: Bytes): void {
  const refused = publicKey.length !== SEAL_PUBLIC_LENGTH || xWingRefusal(publicKey.subarray(0, 1184), publicKey.subarray(1184)) !== null;
  demand(!refused, 'seal', 'MALFORMED', 'This is no sealing key that may be used.');
}

/**
 * SEAL(pk, l, v, m): `info` is X(l, v), there is no AAD.
 * @returns `enc ‖ ct`, 1136 bytes longer than the text
 * @throws {ProtocolError} seal/MALFORMED
 */
export async function hpkeSeal(publicKey: Bytes, info: Bytes, text: Bytes): Promise<Bytes> {
  checkSealPublicKey(publicKey);
  try {
    const recipientPublicKey = await kem.deserializePublicKey(asBytes(publicKey));
    const { enc, ct } = await suite.seal({ recipientPublicKey, info }, text);
    return concat(new Uint8Array(enc), new Uint8Array(ct));
  } catch {
    throw new ProtocolError('seal', 'MALFORMED', 'Nothing can be sealed to this key.');
  }
}

/**
 * Opens what {@link hpkeSeal} made.
 * @throws {ProtocolError} seal/BAD_SEAL for another key, place (info) or altered bytes
 */
export async function hpkeOpen(key: SealKey, info: Bytes, sealed: Bytes): Promise<Bytes> {
  const refusal = new ProtocolError('seal', 'BAD_SEAL', 'This seal does not open: wrong key, wrong place or altered.');
  const lowOrder = sealed.length < SEAL_OVERHEAD || xWingRefusal(null, sealed.subarray(ENC_LENGTH - 32, ENC_LENGTH)) !== null;
  if (lowOrder) throw refusal;
  try {
    const recipientKey = await kem.deserializePrivateKey(asBytes(key.seed));
    const enc = asBytes(sealed.subarray(0, ENC_LENGTH));
    return asBytes(await suite.open({ recipientKey, enc, info }, asBytes(sealed.subarray(ENC_LENGTH))));
  } catch {
    throw refusal;
  }
}

// ---- ARGON

export interface ArgonParameters {
  readonly memoryKib: number;
  readonly iterations: number;
  readonly lanes: number;
}

/** Argon2id, 64 MiB, t 3, p 1. */
export const ARGON: ArgonParameters = { memoryKib: 65_536, iterations: 3, lanes: 1 };

/** ARGON: 32 bytes of Argon2id over UTF-8 of the NFKC form. */
export async function argon(text: string, salt: Bytes, parameters: ArgonParameters = ARGON): Promise<Bytes> {
  const { memoryKib: memorySize, iterations, lanes: parallelism } = parameters;
  const password = utf8(text.normalize('NFKC'));
  return asBytes(await argon2id({ password, salt, memorySize, iterations, parallelism, hashLength: KEY_LENGTH, outputType: 'binary' }));
}
