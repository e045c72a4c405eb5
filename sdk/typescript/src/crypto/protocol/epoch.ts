/** Epochs as signed structures (e2ee.md section 6): announcement, list of recipients, complaint. */
import { CLASSES } from './branches';
import { compare, equal, type Bytes } from './bytes';
import { encode, fields, list, read, struct, tuple, uint, type Value } from './cbor';
import { demand } from './errors';
import { h, hBody, signBody, verifyBody } from './labels';
import { signerAt } from './member';
import { SEAL_OVERHEAD, type SigningKey } from './primitives';
import { MAX_MEMBERS } from './roster';
import { chainOf, seatOf, type Chains, type Roster } from './rosterState';
import { hash, head, id, signer, signerValue, SUITE, suite, time, type Head, type Signed, type Signer } from './signer';

const ANNOUNCEMENT_CAP = 2_048;
const RECIPIENTS_CAP = 163_840;
const COMPLAINT_CAP = 1_024;
/** Length of an epoch seal: S has 32 bytes. */
export const EPOCH_SEAL_LENGTH = SEAL_OVERHEAD + 32;

/** A row of the list: the member's chain head, generation, #MK and SHA-256 of the seal. */
export interface Recipient extends Head {
  readonly member: Bytes;
  readonly generation: number;
  readonly mkHash: Bytes;
  readonly sealHash: Bytes;
}

/** E(list), as sent. */
export function encodeRecipients(rows: readonly Recipient[]): Bytes {
  return encode(rows.map((row) => [row.member, row.n, row.hash, row.generation, row.mkHash, row.sealHash]));
}

const rowTuple = tuple(id, uint(), hash, uint(), hash, hash);
const rows = list((value) => {
  const [member, n, digest, generation, mkHash, sealHash] = rowTuple(value);
  return { member, n, hash: digest, generation, mkHash, sealHash } satisfies Recipient;
}, MAX_MEMBERS + 1);

/**
 * Reads E(list).
 * @throws {ProtocolError} cbor/MALFORMED; epoch/RECIPIENTS_CHANGED unless ascending, each member once, 1 to 1,000
 */
export function parseRecipients(bytes: Bytes): readonly Recipient[] {
  demand(bytes.length <= RECIPIENTS_CAP, 'cbor', 'MALFORMED', 'This list is too long.');
  const found = read(bytes, rows);
  demand(found.length >= 1 && found.length <= MAX_MEMBERS, 'epoch', 'RECIPIENTS_CHANGED', 'An epoch has 1 to 1,000 recipients.');
  const ascending = found.every((row, i) => {
    const before = found[i - 1];
    return before === undefined || compare(before.member, row.member) < 0;
  });
  demand(ascending, 'epoch', 'RECIPIENTS_CHANGED', 'The recipients are not ascending, each once.');
  return found;
}

/** H(recipients, list), from E(list) as received. */
export function recipientsHash(bytes: Bytes): Promise<Bytes> {
  return hBody('recipients', bytes);
}

export interface Announcement {
  readonly space: Bytes;
  /** [e, h_e]. */
  readonly epoch: Head;
  readonly before: Bytes;
  readonly roster: Head;
  /** H(recipients, list). */
  readonly recipients: Bytes;
  /** commit_0 to commit_6. */
  readonly commits: readonly Bytes[];
  readonly creator: Signer;
  readonly time: number;
}

const announcementFields = fields(suite, id, uint(), hash, head, hash, list(hash, CLASSES, CLASSES), signer, time);

/**
 * Reads an announcement's body; says nothing about its signature.
 * @throws {ProtocolError} cbor/MALFORMED
 */
export async function parseAnnouncement(body: Bytes): Promise<Announcement> {
  demand(body.length <= ANNOUNCEMENT_CAP, 'cbor', 'MALFORMED', 'This announcement is too long.');
  const [, space, e, before, roster, recipients, commits, creator, at] = read(body, announcementFields);
  return { space, epoch: { n: e, hash: await hBody('epoch', body) }, before, roster, recipients, commits, creator, time: at };
}

/** Signs the announcement of epoch `previous.n` + 1; `makeEpoch` (epochKeys.ts) calls it. */
export async function makeAnnouncement(
  roster: Roster,
  previous: Head,
  listed: readonly Recipient[],
  commits: readonly Bytes[],
  creator: Signer,
  dk: SigningKey,
  now: number,
): Promise<Signed> {
  const value: Value = listed.map((row) => [row.member, row.n, row.hash, row.generation, row.mkHash, row.sealHash]);
  const digest = await h('recipients', value);
  const body = encode(struct(SUITE, roster.space, previous.n + 1, previous.hash, [roster.n, roster.hash], digest, commits, signerValue(creator), now));
  return { body, signature: await signBody(dk, 'epoch', body) };
}

// ---- complaints

/** This member's listed seal of epoch [e, h_e] does not open. */
export interface Complaint {
  readonly space: Bytes;
  readonly epoch: Head;
  readonly sealHash: Bytes;
  readonly signer: Signer;
  readonly time: number;
  /** Its item in the log. */
  readonly item: Bytes;
}

/** Signs a complaint about the listed seal; sent instead of anything else where S fails. */
export async function makeComplaint(announcement: Announcement, sealHash: Bytes, by: Signer, dk: SigningKey, now: number): Promise<Signed> {
  const { space, epoch } = announcement;
  const body = encode(struct(SUITE, space, epoch.n, epoch.hash, sealHash, signerValue(by), now));
  return { body, signature: await signBody(dk, 'complaint', body) };
}

const complaintFields = fields(suite, id, uint(), hash, hash, signer, time);

/**
 * Reads a complaint's body; says nothing about its signature.
 * @throws {ProtocolError} cbor/MALFORMED
 */
export async function parseComplaint(body: Bytes): Promise<Complaint> {
  demand(body.length <= COMPLAINT_CAP, 'cbor', 'MALFORMED', 'This complaint is too long.');
  const [, space, e, epochHash, sealHash, by, at] = read(body, complaintFields);
  return { space, epoch: { n: e, hash: epochHash }, sealHash, signer: by, time: at, item: await hBody('complaint', body) };
}

/**
 * Verifies a complaint: of a member of the roster, about that member's listed seal of this epoch.
 * @param listed the announced list
 * @throws {ProtocolError} cbor/MALFORMED; epoch/FORBIDDEN; member/... for the signer's chain; ed25519/FORBIDDEN
 */
export async function verifyComplaint(
  signed: Signed,
  announcement: Announcement,
  listed: readonly Recipient[],
  roster: Roster,
  chains: Chains,
): Promise<Complaint> {
  const complaint = await parseComplaint(signed.body);
  const { epoch, signer: by } = complaint;
  const about = equal(complaint.space, announcement.space) && epoch.n === announcement.epoch.n && equal(epoch.hash, announcement.epoch.hash);
  demand(about, 'epoch', 'FORBIDDEN', 'This complaint is about another epoch.');
  const row = listed.find((entry) => equal(entry.member, by.member));
  demand(row !== undefined && equal(row.sealHash, complaint.sealHash), 'epoch', 'FORBIDDEN', 'A complaint is about the own listed seal.');
  const key = signerAt(chainOf(chains, by.member), by.member, by.device, by);
  const seat = seatOf(roster, by.member);
  demand(seat !== null && equal(seat.identity, key.identity), 'epoch', 'FORBIDDEN', 'A complaint comes from a member.');
  await verifyBody(key.dk, signed.signature, 'complaint', signed.body);
  return complaint;
}
