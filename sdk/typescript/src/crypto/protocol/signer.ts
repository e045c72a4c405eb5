/** What every signed structure shares: [member, device, n, hash], and bodies with their signatures. */
import { bytes, tuple, uint, type Reader, type Value } from './cbor';
import type { Bytes } from './bytes';
import type { SigningKey } from './primitives';

/** The newest known link of a chain. */
export interface Head {
  readonly n: number;
  readonly hash: Bytes;
}

/** Who signed, and the head of their member chain at that time (field 7 of rosters and epochs, 5 of complaints). */
export interface Signer extends Head {
  readonly member: Bytes;
  readonly device: Bytes;
}

/** A body as the bytes received, and SIG over it. */
export interface Signed {
  readonly body: Bytes;
  readonly signature: Bytes;
}

/** What a device holds to sign with. */
export interface DeviceKey {
  readonly member: Bytes;
  readonly device: Bytes;
  readonly dk: SigningKey;
}

/** Longest body of a member link, member key or device seal, so that nobody decodes megabytes to refuse them. */
export const BODY_CAP = 2_048;
export const SUITE = 1;

export const id: Reader<Bytes> = bytes(16);
export const hash: Reader<Bytes> = bytes(32);
export const suite: Reader<number> = uint(SUITE, SUITE);
export const time: Reader<number> = uint();

const headTuple = tuple(uint(), hash);
export const head: Reader<Head> = (value) => {
  const [n, digest] = headTuple(value);
  return { n, hash: digest };
};

const signerTuple = tuple(id, id, uint(), hash);
export const signer: Reader<Signer> = (value) => {
  const [member, device, n, digest] = signerTuple(value);
  return { member, device, n, hash: digest };
};

export function signerValue(of: Signer): Value {
  return [of.member, of.device, of.n, of.hash];
}
