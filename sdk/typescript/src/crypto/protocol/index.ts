/**
 * Circle's end-to-end encryption, version 1 (e2ee.md): pure functions and immutable states, no network, no storage.
 * `sdk/python/circle_client/protocol/` is its mirror, `sdk/vectors/` holds both to the page.
 */
export * from './bytes';
export * from './errors';
export { MAX_DEPTH, decode, encode, type Value } from './cbor';
export { h, hBody, kdf, LABELS, x, xBody, type Label } from './labels';
export {
  ARGON,
  checkSealPublicKey,
  checkSigningPublicKey,
  gcmOpen,
  gcmSeal,
  generateSealKey,
  generateSigningKey,
  mac,
  randomBytes,
  sealKeyFromSeed,
  sha256,
  signingKeyFromSeed,
  type SealKey,
  type SigningKey,
} from './primitives';
export { padme, paddedLength } from './padding';
export * from './words';
export * from './password';
export * from './invite';
export * from './safety';
export type { DeviceKey, Head, Signed, Signer } from './signer';
export * from './member';
export * from './memberKey';
export * from './linking';
export * from './rewrap';
export * from './branches';
export * from './roster';
export * from './rosterState';
export * from './epoch';
export * from './epochKeys';
export * from './grant';
export * from './envelope';
export * from './rules';
export * from './contents';
export * from './markers';
export * from './account';
export * from './log';
