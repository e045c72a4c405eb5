/** Every check that e2ee.md section 7 asks of an envelope before its content is believed. */
import { equal, fromHex, toHex, type Bytes } from '../protocol/bytes';
import { EnvelopeKind, type Content, type Envelope, type Header } from '../protocol/envelope';
import { ProtocolError } from '../protocol/errors';
import { deviceAt, identityAt } from '../protocol/member';
import { Role } from '../protocol/roster';
import type { Roster } from '../protocol/rosterState';
import { checkRules, type Referred } from '../protocol/rules';
import { opened, parsed, verified } from './ahead';
import type { Draft } from './draft';
import { deadlineOf, earlier } from './expiry';
import type { People } from './people';
import { REASONS } from './reasons';
import type { Space } from './space';
import { keys, type EnvelopeRow, type EpochRecord, type LogRow } from './spaceRecord';

/**
 * An envelope that is not believed; `reason` stands in its place. `isFork` stops sending. `kind`: what its header says
 * that it is, where everything but its content was believed.
 */
export class Refused extends Error {
  readonly reason: string;
  readonly isFork: boolean;
  readonly kind: number | null;

  constructor(reason: string, isFork = false, kind: number | null = null) {
    super(reason);
    this.reason = reason;
    this.isFork = isFork;
    this.kind = kind;
  }
}

export interface Judged {
  header: Header;
  id: string;
  sender: string;
  isAdmin: boolean;
  /** When it expires; null: it stays. */
  until: number | null;
  /** Null where its time is over: it is not opened any more. */
  content: Content | null;
  /** What `ref` names, when this device has it. */
  about: EnvelopeRow | null;
}

export interface Place {
  seq: number;
  item: Bytes;
  acceptedAt: number;
}

/** Reads the envelope at this place of the log. Throws Refused. */
export async function judge(space: Space, draft: Draft, people: People, place: Place, bytes: Bytes): Promise<Judged> {
  const envelope = await read(bytes, place.item);
  const { header } = envelope;
  if (!equal(header.space, space.bytes)) throw new Refused(REASONS.stranger);
  await checkRepetition(space, draft, place, header);
  const epoch = await epochOf(space, header);
  if (space.endedBefore(header.epoch.n, place.seq)) throw new Refused(REASONS.late);
  const roster = space.states[epoch.rosterN];
  if (!roster) throw new Refused(REASONS.noKey);
  const role = await checkSender(space, people, place, envelope, roster);
  await checkSeen(space, draft, place, header);
  const about = await checkAgainstRules(space, draft, header, role, roster);
  const now = Date.now();
  const row = (await draft.get('log', [space.id, place.seq])) as LogRow | undefined;
  // Looked at again, it ends when it did at first sight.
  const until = earlier(row?.until, deadlineOf(place.acceptedAt, header.b, now));
  const judged = { header, id: toHex(header.id), sender: toHex(header.member), isAdmin: role >= Role.ADMIN, until, about };
  if (until !== null && until <= now) return { ...judged, content: null };
  const key = epoch.branches[header.b];
  if (!key) throw new Refused(epoch.reason ?? REASONS.noKey, false, header.kind);
  try {
    return { ...judged, content: await opened(envelope, key) };
  } catch {
    throw new Refused(REASONS.changed);
  }
}

async function read(bytes: Bytes, item: Bytes): Promise<Envelope> {
  let envelope: Envelope;
  try {
    envelope = await parsed(bytes);
  } catch {
    throw new Refused(REASONS.changed);
  }
  if (!equal(envelope.item, item)) throw new Refused(REASONS.changed);
  return envelope;
}

async function checkRepetition(space: Space, draft: Draft, place: Place, header: Header): Promise<void> {
  const sameItem = (await draft.get('log', keys.item(space.id, place.item))) as number | undefined;
  const sameId = (await draft.get('log', keys.envelope(space.id, toHex(header.id)))) as EnvelopeRow | undefined;
  const isTwice = (sameItem !== undefined && sameItem !== place.seq) || (sameId !== undefined && sameId.seq !== place.seq);
  if (isTwice) throw new Refused(REASONS.twice);
}

async function epochOf(space: Space, header: Header): Promise<EpochRecord> {
  const epoch = await space.epoch(header.epoch.n);
  if (!epoch) throw new Refused(REASONS.noKey);
  if (!equal(epoch.hash, header.epoch.hash)) throw new Refused(REASONS.fork);
  return epoch;
}

async function checkSender(space: Space, people: People, place: Place, envelope: Envelope, roster: Roster): Promise<Role> {
  const { header } = envelope;
  const sender = toHex(header.member);
  const known = await people.find(sender);
  if (!known) throw new Refused(REASONS.stranger);
  const { chain } = known;
  const device = header.n <= chain.n ? deviceAt(chain, header.device, header.n) : null;
  if (!device || header.n < space.linkedBefore(sender, place.seq)) throw new Refused(REASONS.stranger);
  const seat = roster.seats.get(sender);
  const identity = identityAt(chain, header.n);
  if (!seat || !identity || !equal(seat.identity, identity)) throw new Refused(REASONS.notAllowed);
  try {
    await verified(envelope, device.dk);
  } catch {
    throw new Refused(REASONS.stranger);
  }
  return seat.role;
}

/** The sender's view of the log against ours, where ours reaches. */
async function checkSeen(space: Space, draft: Draft, place: Place, header: Header): Promise<void> {
  const { seen } = header;
  if (seen.n >= place.seq) throw new Refused(REASONS.fork, true);
  if (seen.n < space.record.start.n) return;
  const row = (await draft.get('log', [space.id, seen.n])) as LogRow | undefined;
  if (row && !equal(row.hash, seen.hash)) throw new Refused(REASONS.fork, true);
}

async function checkAgainstRules(space: Space, draft: Draft, header: Header, role: Role, roster: Roster): Promise<EnvelopeRow | null> {
  const row = header.ref ? ((await draft.get('log', keys.envelope(space.id, toHex(header.ref)))) as EnvelopeRow | undefined) : undefined;
  // A ref to what was not loaded yet is checked when that is loaded: see `LateChange`.
  const isBeyond = header.ref !== null && row === undefined && space.record.start.n > 1;
  const assumed: Referred | null = isBeyond ? { kind: aboutKind(header.kind), author: header.member, b: header.b } : null;
  const referred = row ? { kind: row.kind, author: fromHex(row.author), b: row.b } : assumed;
  try {
    checkRules(header, role, roster.policy.lifetime, referred);
  } catch (error) {
    const isNewer = error instanceof ProtocolError && header.kind > EnvelopeKind.STATE;
    throw new Refused(isNewer ? REASONS.newer : REASONS.notAllowed);
  }
  return row ?? null;
}

function aboutKind(kind: number): number {
  return kind === EnvelopeKind.VAULT_ENTRY ? EnvelopeKind.VAULT_ENTRY : EnvelopeKind.MESSAGE;
}
