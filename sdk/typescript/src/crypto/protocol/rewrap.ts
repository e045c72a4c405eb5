/**
 * Wraps of a rotation (e2ee.md section 2, label rewrap): what an old M opened, under the new one.
 * Each key seals one plaintext ever, so the nonce is zero; the info binds each wrap to what it holds.
 */
import { type Bytes } from './bytes';
import { checkBranch } from './branches';
import { ProtocolError } from './errors';
import { kdf } from './labels';
import type { MemberSecrets } from './memberKey';
import { gcmOpen, gcmSeal } from './primitives';
import type { Head } from './signer';

/** Where a branch belongs: an epoch and its lifetime class. */
export interface BranchPlace {
  readonly space: Bytes;
  readonly epoch: Head;
  readonly branch: number;
}

async function wrap(key: Bytes, value: readonly (Bytes | number)[], secret: Bytes): Promise<Bytes> {
  return gcmSeal(await kdf(key, null, 'rewrap', value, 32), null, null, secret);
}

async function unwrap(key: Bytes, value: readonly (Bytes | number)[], wrapped: Bytes): Promise<Bytes> {
  const secret = await gcmOpen(await kdf(key, null, 'rewrap', value, 32), null, null, wrapped);
  if (secret?.length !== 32) throw new ProtocolError('wrap', 'UNREADABLE', 'This wrap does not open.');
  return secret;
}

/** AK_g under AK_(g+1): K = AK_(g+1), v = [member, g]. */
export function wrapArchive(next: MemberSecrets, before: MemberSecrets): Promise<Bytes> {
  return wrap(next.ak, [before.member, before.generation], before.ak);
}

/** AK_g, from AK_(g+1). @throws {ProtocolError} wrap/UNREADABLE */
export function unwrapArchive(nextAk: Bytes, member: Bytes, generation: number, wrapped: Bytes): Promise<Bytes> {
  return unwrap(nextAk, [member, generation], wrapped);
}

function branchInfo(member: Bytes, place: BranchPlace): (Bytes | number)[] {
  return [member, place.space, place.epoch.n, place.epoch.hash, place.branch];
}

/** B_b for the archive: under AK for b = 0, under M for the classes that end. */
export function wrapBranch(secrets: MemberSecrets, place: BranchPlace, branchKey: Bytes): Promise<Bytes> {
  return wrap(place.branch === 0 ? secrets.ak : secrets.m, branchInfo(secrets.member, place), branchKey);
}

/**
 * B_b from a wrap, taken only if its commit fits.
 * @param key AK_g for b = 0, M for b > 0
 * @throws {ProtocolError} wrap/UNREADABLE; epoch/BAD_COMMIT
 */
export async function unwrapBranch(key: Bytes, member: Bytes, place: BranchPlace, wrapped: Bytes, commits: readonly Bytes[]): Promise<Bytes> {
  const found = await unwrap(key, branchInfo(member, place), wrapped);
  await checkBranch(place.space, place.epoch.n, place.branch, found, commits);
  return found;
}
