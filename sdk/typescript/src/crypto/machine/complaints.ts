/** Keys that a member was denied: who complains, who gives them, and when it is settled (e2ee.md section 6). */
import { compare, concat, equal, fromHex, toHex, type Bytes } from '../protocol/bytes';
import { parseAnnouncement, parseComplaint, parseRecipients, verifyComplaint } from '../protocol/epoch';
import { sha256 } from '../protocol/primitives';
import type { Context } from './context';
import type { Taken } from './epochKeeping';
import { REASONS } from './reasons';
import type { Space } from './space';
import type { EpochRecord, SpaceRecord } from './spaceRecord';
import type { LinkBytes, Notice } from './wire';

const HOUR = 3_600_000;
/** Waiting doubles after each, so the last comes after some ten days. */
const MOST_TRIES = 9;
/**
 * A complaint makes the next epoch due. Where every epoch is spoilt, as by a client that cannot seal to this member's
 * key, and each were complained of at once, nobody would ever send: what is denied after a complaint waits for so long,
 * doubled each time up to the most. A calm hour begins anew.
 */
const FIRST_PAUSE = 1_000;
const MOST_PAUSE = 60_000;
/** Who answers a complaint at once, besides the epoch's creator, who may be the cheat. */
const HELPERS = 2;
/** How long the other devices of whoever added a newcomer wait before they give history, and how long it is owed. */
const SIBLINGS_WAIT = 600_000;
const OWED_FOR = 7 * 24 * HOUR;

// ---- complaining

/** Notes whether an epoch that was looked at has no key that may yet come, and whether it must be complained of. */
export function noteSeal({ record, roster }: Space, { epoch, mustComplain }: Taken): void {
  const hasKeys = epoch.branches.some((key) => key !== null);
  const known = record.lacking.find((one) => one.epoch === epoch.n);
  const others = record.lacking.filter((one) => one !== known);
  record.lacking = mustComplain && !hasKeys ? [...others, known ?? { epoch: epoch.n, tries: 0, next: nextRound(record, Date.now()) }] : others;
  record.keyless = record.keyless.filter((n) => n !== epoch.n);
  if (!hasKeys && (epoch.reason !== REASONS.beforeJoining || roster?.policy.shared === true)) record.keyless.push(epoch.n);
}

/** An epoch was announced that the server does not show (yet). */
export function noteUnshown({ record }: Space, n: number): void {
  if (!record.keyless.includes(n)) record.keyless.push(n);
}

/** When what is denied now may be complained of: at once, or with the round that waits. */
function nextRound({ round }: SpaceRecord, now: number): number {
  return round && round.from > now ? Math.min(round.from, now + MOST_PAUSE) : 0;
}

function begunRound({ round }: SpaceRecord, now: number): { from: number; pause: number } {
  if (!round || now >= round.from + HOUR) return { from: now + FIRST_PAUSE, pause: FIRST_PAUSE };
  if (now < round.from) return round;
  const pause = Math.min(2 * round.pause, MOST_PAUSE);
  return { from: now + pause, pause };
}

/** The epoch to complain of now, or null. */
export function nextComplaint({ lacking }: SpaceRecord, now: number): number | null {
  return lacking.find(({ next }) => next <= now)?.epoch ?? null;
}

/** It was complained of: once more after an hour, then ever more rarely, until somebody has given the keys. */
export function noteComplained(record: SpaceRecord, epoch: number, now: number): void {
  const noted = record.lacking.find((one) => one.epoch === epoch && one.next <= now);
  if (!noted) return;
  record.round = begunRound(record, now);
  record.lacking = record.lacking
    .map((one) => (one === noted ? { epoch, tries: one.tries + 1, next: now + HOUR * 2 ** one.tries } : one))
    .filter(({ tries }) => tries <= MOST_TRIES);
}

// ---- answering

/** What a complaint in the log says; null where it is not sound. `live`: it is the newest entry, and may be answered. */
export async function takeComplaint(space: Space, context: Context, item: Bytes, signed: LinkBytes, live: boolean): Promise<Notice | null> {
  const { record } = space;
  try {
    const named = await parseComplaint(signed.body);
    const epoch = await space.epoch(named.epoch.n);
    const roster = epoch ? space.states[epoch.rosterN] : undefined;
    if (!epoch || !roster) return null;
    const announcement = await parseAnnouncement(epoch.body);
    const { chains } = await context.people.lookup(roster.seats.keys());
    const complaint = await verifyComplaint(signed, announcement, parseRecipients(epoch.recipients), roster, chains);
    const member = toHex(complaint.signer.member);
    const creator = toHex(announcement.creator.member);
    if (live && member === context.keyring.member) noteComplained(record, epoch.n, Date.now());
    else if (live && !record.owed.some((one) => one.member === member && one.epoch === epoch.n)) {
      record.owed.push({ member, epoch: epoch.n, from: creator, now: await isHelper(space, context, epoch, item, member, creator) });
    }
    return { what: 'complaint', by: member, creator };
  } catch {
    // Not a sound complaint about an epoch that is known here: nothing is settled by it.
    return null;
  }
}

/** The creator answers, and two more that everybody finds alike: one giver may be a cheat, all would be too many. */
async function isHelper(space: Space, { keyring }: Context, epoch: EpochRecord, item: Bytes, complainer: string, creator: string): Promise<boolean> {
  if (epoch.branches.every((key) => key === null)) return false;
  if (keyring.member === creator) return true;
  const others = [...(space.roster?.seats.keys() ?? [])].filter((member) => member !== complainer && member !== creator);
  const ranked = await Promise.all(others.map(async (member) => ({ member, rank: await sha256(concat(item, fromHex(member))) })));
  const helpers = ranked.sort((one, other) => compare(one.rank, other.rank)).slice(0, HELPERS);
  return helpers.some(({ member }) => member === keyring.member);
}

/**
 * A newcomer whom this member has added where history is shared: nobody else may give it. The device that signed gives it
 * at once, the others after a while, because that one may be cut off; again does no harm.
 */
export function oweHistory(space: Space, { keyring }: Context, member: string, { signer, time }: { signer: { member: Bytes; device: Bytes }; time: number }): void {
  const { record } = space;
  const by = toHex(signer.member);
  if (by !== keyring.member || member === by || !space.roster?.policy.shared) return;
  const isHere = equal(signer.device, keyring.device.device);
  if (!isHere && time < Date.now() - OWED_FOR) return;
  record.owed = record.owed.filter((one) => one.member !== member || one.epoch !== 0);
  record.owed.push({ member, epoch: 0, from: by, now: isHere, ...(isHere ? {} : { at: time + SIBLINGS_WAIT }) });
}

/**
 * Whoever makes the next epoch gives what is owed first. It counts for nothing from the one who denied it, and from the
 * one who was denied; what this device owes, it knows itself to have given; what a newcomer is owed, none but the member
 * who added them can give; who is no member any more is owed nothing.
 */
export function settleDebts({ record, roster }: Space, { keyring }: Context, creator: string): void {
  record.owed = record.owed.filter(({ member, epoch, from, now }) => {
    if (roster && !roster.seats.has(member)) return false;
    return now || creator === keyring.member || creator === member || epoch === 0 || creator === from;
  });
}
