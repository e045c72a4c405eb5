/** The seven lifetime classes of an epoch: secret, branches and commits (e2ee.md sections 2 and 3). */
import { equal, type Bytes } from './bytes';
import { ProtocolError } from './errors';
import { kdf } from './labels';

export const CLASSES = 7;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Milliseconds that an envelope of each class lives; null: for good. */
export const LIFETIMES: readonly (number | null)[] = [null, HOUR, 8 * HOUR, DAY, 7 * DAY, 30 * DAY, 90 * DAY];

/** S from 32 random bytes: used for one announcement and never again. */
export function epochSecret(random: Bytes, before: Bytes, space: Bytes, epoch: number): Promise<Bytes> {
  return kdf(random, before, 'epoch-secret', [space, epoch], 32);
}

/** B_b. */
export function branch(secret: Bytes, space: Bytes, epoch: number, b: number): Promise<Bytes> {
  return kdf(secret, null, 'branch', [space, epoch, b], 32);
}

/** B_0 to B_6. */
export function branches(secret: Bytes, space: Bytes, epoch: number): Promise<readonly Bytes[]> {
  return Promise.all(LIFETIMES.map((_, b) => branch(secret, space, epoch, b)));
}

/** commit_b. */
export function commit(branchKey: Bytes, space: Bytes, epoch: number, b: number): Promise<Bytes> {
  return kdf(branchKey, null, 'commit', [space, epoch, b], 32);
}

/** commit_0 to commit_6. */
export function commits(keys: readonly Bytes[], space: Bytes, epoch: number): Promise<readonly Bytes[]> {
  return Promise.all(keys.map((key, b) => commit(key, space, epoch, b)));
}

/**
 * Whether B_b is the announced one.
 * @throws {ProtocolError} epoch/BAD_COMMIT
 */
export async function checkBranch(space: Bytes, epoch: number, b: number, key: Bytes, announced: readonly Bytes[]): Promise<void> {
  const expected = announced[b];
  const fits = expected !== undefined && key.length === 32 && equal(await commit(key, space, epoch, b), expected);
  if (!fits) throw new ProtocolError('epoch', 'BAD_COMMIT', 'The key is not the one that the epoch announced.');
}
