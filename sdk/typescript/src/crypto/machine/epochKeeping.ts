/** Takes epochs in: verifies announcements, opens the own seal, and says in plain words why that failed. */
import { checkBranch, CLASSES } from '../protocol/branches';
import { equal, type Bytes } from '../protocol/bytes';
import { parseAnnouncement, recipientsHash, type Announcement } from '../protocol/epoch';
import { checkOwnRow, mustComplain, openEpoch, ownRow, verifyAnnouncement } from '../protocol/epochKeys';
import { ProtocolError } from '../protocol/errors';
import { checkGrantScope } from '../protocol/grant';
import { NO_EPOCH } from '../protocol/roster';
import type { Head } from '../protocol/signer';
import { claimsOfAnnouncement } from './claims';
import { entriesOf } from './granted';
import { secretsOf, type Keyring } from './keyring';
import type { People } from './people';
import { REASONS } from './reasons';
import type { Space } from './space';
import type { EpochRecord } from './spaceRecord';
import type { EpochBytes } from './wire';

const DAY = 86_400_000;

export interface Taken {
  epoch: EpochRecord;
  /** The own seal does not open: to be answered with a complaint. */
  mustComplain: boolean;
  /** The server handed out another list or seal than the announced one. */
  isAlarm: boolean;
}

/**
 * Verifies an epoch. `live` is set when the log has just announced it: it must then follow the newest one and name the
 * newest roster. Throws a ProtocolError when the announcement is not valid; a seal that fails is told in the result.
 */
export async function takeEpoch(
  space: Space,
  offered: EpochBytes,
  keyring: Keyring,
  people: People,
  live: { leastN: number } | null,
): Promise<Taken> {
  const announced = await parseAnnouncement(offered.announcement);
  const roster = live ? space.roster : space.states[announced.roster.n];
  if (!roster) throw new ProtocolError('epoch', 'RECIPIENTS_CHANGED', 'This epoch names a list of members that is not known.');
  const { members } = await claimsOfAnnouncement(offered.announcement);
  const { chains } = await people.lookup(members.map(([member]) => member));
  await verifyAnnouncement({ body: offered.announcement, signature: offered.signature }, roster, await before(space, announced, live !== null), chains);
  const epoch: EpochRecord = {
    n: announced.epoch.n,
    hash: announced.epoch.hash,
    body: offered.announcement,
    signature: offered.signature,
    recipients: offered.recipients,
    rosterN: roster.n,
    acceptedAt: offered.acceptedAt,
    closesAt: offered.acceptedAt + DAY,
    branches: Array.from({ length: CLASSES }, () => null),
    reason: REASONS.noKey,
  };
  const isSeated = roster.seats.has(keyring.member);
  const taken = await openOwn(epoch, announced, offered.seal, keyring, people, live?.leastN ?? 0, isSeated ? REASONS.leftOut : REASONS.beforeJoining);
  if (taken.epoch.reason !== null) await takeGrants(space, taken, announced, offered.grants, keyring, people);
  if (taken.epoch.reason !== null) await takeWraps(taken, announced, keyring);
  return taken;
}

/** Branches that a rotation since has carried over; what it left out had expired. */
async function takeWraps({ epoch }: Taken, announced: Announcement, keyring: Keyring): Promise<void> {
  const carried = await keyring.wraps.branchesOf(keyring.memberBytes, announced);
  if (carried.size === 0) return;
  for (const [b, key] of carried) epoch.branches[b] ??= key;
  epoch.reason = null;
  epoch.sealedTo = 0;
}

/** Branches that a member gave, where history is shared or the own seal failed; each only if its commit fits. */
async function takeGrants(space: Space, { epoch, mustComplain }: Taken, announced: Announcement, grants: EpochBytes['grants'], keyring: Keyring, people: People): Promise<void> {
  const { roster } = space;
  if (!roster) return;
  const { identity } = (await people.get(keyring.member)).chain;
  for (const grant of grants) {
    const entries = await entriesOf(space.bytes, keyring, grant);
    for (const entry of entries.filter(({ epoch: n }) => n === epoch.n)) {
      try {
        checkGrantScope([entry], roster, keyring.memberBytes, identity, new Set(mustComplain ? [epoch.n] : []));
        await checkBranch(space.bytes, entry.epoch, entry.branch, entry.key, announced.commits);
        epoch.branches[entry.branch] = entry.key;
        epoch.sealedTo = grant.generation;
      } catch {
        // A grant that does not fit gives nothing; another may.
      }
    }
  }
  if (epoch.branches.every((branch) => branch !== null)) epoch.reason = null;
}

async function before(space: Space, announced: Announcement, isLive: boolean): Promise<Head> {
  if (isLive) return space.record.current ?? NO_EPOCH;
  if (announced.epoch.n === 1) return NO_EPOCH;
  const known = await space.epoch(announced.epoch.n - 1);
  const next = await space.epoch(announced.epoch.n + 1);
  if (next && !equal((await parseAnnouncement(next.body)).before, announced.epoch.hash)) {
    throw new ProtocolError('epoch', 'EPOCH_CONFLICT', 'This epoch is not the one that the next one follows.');
  }
  return known ? { n: known.n, hash: known.hash } : { n: announced.epoch.n - 1, hash: announced.before };
}

async function openOwn(
  epoch: EpochRecord,
  announced: Announcement,
  seal: Bytes | null,
  keyring: Keyring,
  people: People,
  leastN: number,
  unlisted: string,
): Promise<Taken> {
  const unread = (reason: string, flags: Partial<Taken> = {}): Taken => ({ epoch: { ...epoch, reason }, mustComplain: false, isAlarm: false, ...flags });
  if (!equal(await recipientsHash(epoch.recipients), announced.recipients)) return unread(REASONS.noKey, { isAlarm: true });
  let row;
  try {
    row = await ownRow(announced, epoch.recipients, keyring.memberBytes);
  } catch {
    return unread(unlisted);
  }
  try {
    const { chain } = await people.get(keyring.member);
    const secrets = secretsOf(keyring, row.generation);
    checkOwnRow(row, chain, leastN, (generation) => secretsOf(keyring, generation)?.mkHash ?? people.keyHash(keyring.member, generation));
    // Of an earlier M, which a rotation has destroyed: what it opened was carried over.
    if (!seal || !secrets) return unread(REASONS.noKey);
    const branches = await openEpoch(announced, row, seal, secrets.mk);
    return { epoch: { ...epoch, branches: [...branches], reason: null, sealedTo: row.generation }, mustComplain: false, isAlarm: false };
  } catch (error) {
    if (error instanceof ProtocolError && error.code === 'SEAL_MISMATCH') return unread(REASONS.noKey, { isAlarm: true });
    return unread(REASONS.leftOut, { mustComplain: mustComplain(error) });
  }
}
