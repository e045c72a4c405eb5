/** Making an epoch and opening one (e2ee.md section 6): secrets, seals, and what a client checks before it trusts. */
import { branches, checkBranch, commits, epochSecret } from './branches';
import { compare, equal, type Bytes } from './bytes';
import { demand, ProtocolError } from './errors';
import {
  encodeRecipients,
  EPOCH_SEAL_LENGTH,
  makeAnnouncement,
  parseAnnouncement,
  parseRecipients,
  recipientsHash,
  type Announcement,
  type Recipient,
} from './epoch';
import { openSeal, seal, verifyBody } from './labels';
import { compareMemberHead, signerAt, type MemberChain } from './member';
import { isLiving, type MemberKey } from './memberKey';
import { randomBytes, sha256, type SealKey, type SigningKey } from './primitives';
import { NO_EPOCH, Role } from './roster';
import { chainOf, recipientsOf, seatOf, type Chains, type Roster } from './rosterState';
import type { Head, Signed, Signer } from './signer';

/** Whom to seal to: the chain's head, and MK of a verified, living member key. */
export interface RecipientKey {
  readonly member: Bytes;
  readonly head: Head;
  readonly generation: number;
  readonly mk: Bytes;
  readonly mkHash: Bytes;
}

/** A member's verified key of a generation, or with null the newest; undefined where this client holds none. */
export type MemberKeys = (member: Bytes, generation: number | null) => MemberKey | undefined;

/**
 * The recipients that an epoch must have, as far as this client knows chains and keys.
 * @param rowsOf leave out to make an epoch: heads and keys of now. To check a standing epoch give its rows: a head
 *   or generation that was current then stays right, for device.add and scheduled rotations make nothing due.
 * @throws {ProtocolError} member/CHAIN_CONFLICT where a chain is unknown; epoch/RECIPIENTS_CHANGED where a living key is;
 *   member/FORK where a row names another chain
 */
export function expectedRecipients(roster: Roster, chains: Chains, keys: MemberKeys, rowsOf: readonly Recipient[] = []): readonly RecipientKey[] {
  return recipientsOf(roster, chains).map((member) => {
    const chain = chainOf(chains, member);
    const row = rowsOf.find((entry) => equal(entry.member, member));
    const newest = keys(member, null);
    const usable = newest !== undefined && isLiving(chain, newest);
    demand(usable, 'epoch', 'RECIPIENTS_CHANGED', 'A living key of a member is not known yet.');
    return {
      member,
      head: row === undefined ? { n: chain.n, hash: chain.hash } : headThen(chain, row),
      ...keyFields(row === undefined ? newest : (keyThen(chain, keys(member, row.generation), row) ?? newest)),
    };
  });
}

function headThen(chain: MemberChain, row: Recipient): Head {
  const stands = compareMemberHead(chain, row) === 'known' && row.n >= chain.turned;
  return stands ? { n: row.n, hash: row.hash } : { n: chain.n, hash: chain.hash };
}

function keyThen(chain: MemberChain, key: MemberKey | undefined, row: Recipient): MemberKey | null {
  return key !== undefined && isLiving(chain, key) && key.head.n <= row.n ? key : null;
}

function keyFields(key: MemberKey): Pick<RecipientKey, 'generation' | 'mk' | 'mkHash'> {
  return { generation: key.generation, mk: key.mk, mkHash: key.mkHash };
}

/** What is sent (`announcement`, `recipients` = E(list), `seals` in its order) and what is kept (`branches`, by class). */
export interface NewEpoch {
  readonly announcement: Signed;
  readonly recipients: Bytes;
  readonly seals: readonly Bytes[];
  readonly epoch: Head;
  readonly branches: readonly Bytes[];
}

function sealInfo(space: Bytes, e: number, before: Bytes, rosterHash: Bytes, to: Pick<RecipientKey, 'member' | 'generation' | 'mkHash'>): (Bytes | number)[] {
  return [space, e, before, rosterHash, to.member, to.generation, to.mkHash];
}

/**
 * Makes epoch `previous.n` + 1, sealed to the recipients, from a fresh secret. If the server refuses it, throw it
 * away whole: the server has its seals, so its S is never used again. About 5 ms for each recipient.
 * @param previous [0, Z32] before the first
 * @param recipients of {@link expectedRecipients}
 * @throws {ProtocolError} seal/MALFORMED where a member's key is none
 */
export async function makeEpoch(
  roster: Roster,
  recipients: readonly RecipientKey[],
  creator: Signer,
  dk: SigningKey,
  now: number,
  previous: Head = NO_EPOCH,
): Promise<NewEpoch> {
  const { space } = roster;
  const e = previous.n + 1;
  const secret = await epochSecret(randomBytes(32), previous.hash, space, e);
  const rows: Recipient[] = [];
  const seals: Bytes[] = [];
  for (const to of [...recipients].sort((a, b) => compare(a.member, b.member))) {
    const sealed = await seal(to.mk, 'epoch-seal', sealInfo(space, e, previous.hash, roster.hash, to), secret);
    rows.push({ member: to.member, ...to.head, generation: to.generation, mkHash: to.mkHash, sealHash: await sha256(sealed) });
    seals.push(sealed);
  }
  const keys = await branches(secret, space, e);
  const announcement = await makeAnnouncement(roster, previous, rows, await commits(keys, space, e), creator, dk, now);
  const { epoch } = await parseAnnouncement(announcement.body);
  return { announcement, recipients: encodeRecipients(rows), seals, epoch, branches: keys };
}

/**
 * Verifies an announcement: chain of epochs, roster head, creator and signature.
 * @param roster the state at the announced head, which is the newest in the log at that place
 * @param previous the epoch before, [0, Z32] at first
 * @throws {ProtocolError} cbor/MALFORMED; epoch/EPOCH_CONFLICT, RECIPIENTS_CHANGED or FORBIDDEN; member/... for the
 *   creator's chain; ed25519/FORBIDDEN
 */
export async function verifyAnnouncement(signed: Signed, roster: Roster, previous: Head, chains: Chains): Promise<Announcement> {
  const announcement = await parseAnnouncement(signed.body);
  const { creator } = announcement;
  const follows = equal(announcement.space, roster.space) && announcement.epoch.n === previous.n + 1 && equal(announcement.before, previous.hash);
  demand(follows, 'epoch', 'EPOCH_CONFLICT', 'This epoch does not follow the one before.');
  const sameRoster = announcement.roster.n === roster.n && equal(announcement.roster.hash, roster.hash);
  demand(sameRoster, 'epoch', 'RECIPIENTS_CHANGED', 'This epoch is made for another roster.');
  const key = signerAt(chainOf(chains, creator.member), creator.member, creator.device, creator);
  const seat = seatOf(roster, creator.member);
  const may = seat !== null && seat.role >= Role.WRITER && equal(seat.identity, key.identity);
  demand(may, 'epoch', 'FORBIDDEN', 'An epoch is made by a writer or above.');
  await verifyBody(key.dk, signed.signature, 'epoch', signed.body);
  return announcement;
}

async function announcedRows(announcement: Announcement, recipients: Bytes): Promise<readonly Recipient[]> {
  const same = equal(await recipientsHash(recipients), announcement.recipients);
  demand(same, 'epoch', 'RECIPIENTS_CHANGED', 'This list is not the announced one.');
  return parseRecipients(recipients);
}

/**
 * A member's row of the announced list.
 * @throws {ProtocolError} cbor/MALFORMED; epoch/RECIPIENTS_CHANGED if the list is another or has no such row
 */
export async function ownRow(announcement: Announcement, recipients: Bytes, member: Bytes): Promise<Recipient> {
  const row = (await announcedRows(announcement, recipients)).find((entry) => equal(entry.member, member));
  demand(row !== undefined, 'epoch', 'RECIPIENTS_CHANGED', 'This list does not name this member.');
  return row;
}

/**
 * Whether the row is true of oneself.
 * @param leastN number of the newest own link before the announcement in the log
 * @param known #MK of g for the current generation, and those whose epochs the rotation since has wrapped
 * @throws {ProtocolError} epoch/RECIPIENTS_CHANGED; epoch/FORK for another chain
 */
export function checkOwnRow(row: Recipient, chain: MemberChain, leastN: number, known: (generation: number) => Bytes | undefined): void {
  const own = chain.hashes[row.n];
  const place = own !== undefined && row.n >= leastN;
  demand(place, 'epoch', 'RECIPIENTS_CHANGED', 'This epoch was made for an older or unknown state of this member.');
  demand(equal(own, row.hash), 'epoch', 'FORK', 'This epoch names another chain of this member.');
  const mkHash = known(row.generation);
  demand(mkHash !== undefined && equal(mkHash, row.mkHash), 'epoch', 'RECIPIENTS_CHANGED', 'This epoch was sealed to another key of this member.');
}

/**
 * Opens the own seal; all seven commits must fit.
 * @param mk MK of the row's generation
 * @returns B_0 to B_6; S is not kept
 * @throws {ProtocolError} epoch/SEAL_MISMATCH for a seal that is not the listed one (the server's doing: alarm);
 *   seal/BAD_SEAL, epoch/BAD_SEAL, epoch/BAD_COMMIT where the creator's seal fails (see {@link mustComplain})
 */
export async function openEpoch(announcement: Announcement, row: Recipient, sealed: Bytes, mk: SealKey): Promise<readonly Bytes[]> {
  const listed = equal(await sha256(sealed), row.sealHash);
  demand(listed, 'epoch', 'SEAL_MISMATCH', 'The server handed out another seal than the announced one.');
  const { space, epoch, before, roster } = announcement;
  const secret = await openSeal(mk, 'epoch-seal', sealInfo(space, epoch.n, before, roster.hash, row), sealed);
  demand(sealed.length === EPOCH_SEAL_LENGTH, 'epoch', 'BAD_SEAL', 'This seal holds no epoch secret.');
  const keys = await branches(secret, space, epoch.n);
  for (const [b, key] of keys.entries()) await checkBranch(space, epoch.n, b, key, announcement.commits);
  return keys;
}

/**
 * Before sending: the whole list against what this client knows of every member.
 * @param expected of {@link expectedRecipients}, with the list's rows
 * @throws {ProtocolError} cbor/MALFORMED; epoch/RECIPIENTS_CHANGED. A row can be newer than what is known: fetch first
 */
export async function checkRecipients(recipients: Bytes, announcement: Announcement, expected: readonly RecipientKey[]): Promise<void> {
  const rows = await announcedRows(announcement, recipients);
  const wanted = [...expected].sort((a, b) => compare(a.member, b.member));
  const same = rows.length === wanted.length && rows.every((row, i) => {
    const key = wanted[i];
    return key !== undefined
      && equal(row.member, key.member)
      && row.n === key.head.n
      && equal(row.hash, key.head.hash)
      && row.generation === key.generation
      && equal(row.mkHash, key.mkHash);
  });
  demand(same, 'epoch', 'RECIPIENTS_CHANGED', "This list does not fit the members' chains and keys.");
}

/** Whether a failure of {@link openEpoch} is answered with a complaint (and not with an alarm). */
export function mustComplain(error: unknown): boolean {
  return error instanceof ProtocolError && (error.code === 'BAD_SEAL' || error.code === 'BAD_COMMIT');
}
