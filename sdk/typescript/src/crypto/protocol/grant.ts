/** Grants (e2ee.md sections 2 and 6): branches handed to a newcomer or to a listed complainer. */
import { CLASSES, checkBranch } from './branches';
import { equal, toHex, type Bytes } from './bytes';
import { encode, list, read, tuple, uint } from './cbor';
import { demand } from './errors';
import type { Announcement } from './epoch';
import { openSeal, seal } from './labels';
import type { SealKey } from './primitives';
import { seatOf, type Roster } from './rosterState';
import { hash } from './signer';
import type { RecipientKey } from './epochKeys';

const MAX_ENTRIES = 65_536;
const GRANT_CAP = 4_194_304;

/** [e, b, B_b]. */
export interface GrantEntry {
  readonly epoch: number;
  readonly branch: number;
  readonly key: Bytes;
}

/**
 * What a giver may hand out by the present roster; giver and taker both call it. Epochs up to field 6 of the member's
 * add only where history is shared, or where the member complained as a listed recipient.
 * @param identity the member's present ID
 * @param complained the epochs of which the member's listed seal failed
 * @throws {ProtocolError} grant/FORBIDDEN
 */
export function checkGrantScope(entries: readonly GrantEntry[], roster: Roster, member: Bytes, identity: Bytes, complained: ReadonlySet<number>): void {
  const seat = seatOf(roster, member);
  demand(seat !== null && equal(seat.identity, identity), 'grant', 'FORBIDDEN', 'Keys are given to members of the roster alone.');
  const joined = roster.joined.get(toHex(member)) ?? 0;
  const within = entries.every((entry) => entry.epoch > joined || roster.policy.shared || complained.has(entry.epoch));
  demand(within, 'grant', 'FORBIDDEN', 'History before joining is not shared here.');
}

function info(space: Bytes, member: Bytes, generation: number, mkHash: Bytes): (Bytes | number)[] {
  return [space, member, generation, mkHash];
}

/** Seals the entries, ascending by epoch and class, to a member's MK. Call {@link checkGrantScope} first. */
export function sealGrant(space: Bytes, to: Pick<RecipientKey, 'member' | 'generation' | 'mk' | 'mkHash'>, entries: readonly GrantEntry[]): Promise<Bytes> {
  const rows = [...entries]
    .sort((a, b) => a.epoch - b.epoch || a.branch - b.branch)
    .map((entry) => [entry.epoch, entry.branch, entry.key]);
  return seal(to.mk, 'grant', info(space, to.member, to.generation, to.mkHash), encode(rows));
}

const entryList = list(tuple(uint(), uint(CLASSES - 1), hash), MAX_ENTRIES);

/**
 * Opens a grant and takes a branch only if its epoch's commit fits.
 * @param announcements verified ones, by e
 * @throws {ProtocolError} seal/BAD_SEAL; cbor/MALFORMED; grant/FORBIDDEN for unknown epochs or order; epoch/BAD_COMMIT
 */
export async function openGrant(
  space: Bytes,
  own: { readonly member: Bytes; readonly generation: number; readonly mk: SealKey; readonly mkHash: Bytes },
  sealed: Bytes,
  announcements: (epoch: number) => Announcement | undefined,
): Promise<readonly GrantEntry[]> {
  const text = await openSeal(own.mk, 'grant', info(space, own.member, own.generation, own.mkHash), sealed);
  demand(text.length <= GRANT_CAP, 'cbor', 'MALFORMED', 'This grant is too long.');
  const entries: GrantEntry[] = [];
  for (const [epoch, branch, key] of read(text, entryList)) {
    const last = entries.at(-1);
    const ascending = last === undefined || epoch > last.epoch || (epoch === last.epoch && branch > last.branch);
    demand(ascending, 'grant', 'FORBIDDEN', 'This grant is not ascending.');
    const announcement = announcements(epoch);
    const known = announcement !== undefined && announcement.epoch.n === epoch && equal(announcement.space, space);
    demand(known, 'grant', 'FORBIDDEN', 'This grant names an unknown epoch.');
    await checkBranch(space, epoch, branch, key, announcement.commits);
    entries.push({ epoch, branch, key });
  }
  return entries;
}
