/** Makes what is signed: conversations, roster links, epochs, complaints. Everything made is followed as if received. */
import { CircleFailure } from '../../errors';
import { fromHex, toHex, type Bytes } from '../protocol/bytes';
import { stateContent } from '../protocol/contents';
import { EnvelopeKind, makeEnvelopeId, sealEnvelope } from '../protocol/envelope';
import { makeComplaint, parseAnnouncement, parseRecipients } from '../protocol/epoch';
import { checkRecipients, expectedRecipients, makeEpoch, ownRow, type NewEpoch } from '../protocol/epochKeys';
import { checkGrantScope, sealGrant, type GrantEntry } from '../protocol/grant';
import { LOG_START, nextHash } from '../protocol/log';
import { isLiving } from '../protocol/memberKey';
import { randomBytes } from '../protocol/primitives';
import { makeRosterLink, NO_EPOCH, Role, type Policy, type RosterStatement, type Seat } from '../protocol/roster';
import { followRoster, rosterPlace, type Roster } from '../protocol/rosterState';
import type { Signer } from '../protocol/signer';
import type { ConversationType, SpaceRole } from '../../types';
import type { Context } from './context';
import { roleNumber, typeNumber } from './names';
import { changedPolicy } from './policy';
import type { Space } from './space';
import type { EpochInputBytes, LinkBytes, NewConversation, RosterChange } from './wire';

/** A random UUIDv4 as 16 bytes. */
export function newId(): Bytes {
  const id = randomBytes(16);
  id[6] = ((id[6] ?? 0) & 0x0f) | 0x40;
  id[8] = ((id[8] ?? 0) & 0x3f) | 0x80;
  return id;
}

/** This device at its chain's head. */
export async function ownSigner({ keyring, people }: Context): Promise<Signer> {
  const { chain } = await people.get(keyring.member);
  return { member: keyring.memberBytes, device: keyring.device.device, n: chain.n, hash: chain.hash };
}

export interface ConversationPlan {
  type: ConversationType;
  people: { member: string; role: SpaceRole }[];
  title: string | null;
  picture: { bytes: Bytes; mediaType: string } | null;
  /** Where nothing is chosen, messages stay and newcomers read what comes after them. */
  policy?: Policy;
}

/** Roster link, first epoch and first state, each of which fits the one before (docs/decisions/0003). */
export async function makeConversation(context: Context, plan: ConversationPlan): Promise<NewConversation> {
  const { keyring, people } = context;
  const space = newId();
  const members = [{ member: keyring.member, role: 'OWNER' as const }, ...plan.people.filter(({ member }) => member !== keyring.member)];
  if (plan.type === 'DIRECT' && members.length !== 2) throw new CircleFailure('INVALID', 'A direct conversation has exactly one other person.');
  const seats: Seat[] = [];
  for (const { member, role } of members) {
    demandNoAlarm(context, member);
    demandAccepted(context, member);
    const { chain } = await people.get(member);
    seats.push({ member: fromHex(member), identity: chain.identity, role: plan.type === 'DIRECT' ? Role.OWNER : roleNumber(role) });
  }
  const signer = await ownSigner(context);
  const { chains } = await people.lookup(members.map(({ member }) => member));
  const statement: RosterStatement = { kind: 0, type: typeNumber(plan.type), seats, policy: plan.policy ?? { lifetime: 0, shared: false } };
  const link = await makeRosterLink({ space, head: null, epoch: NO_EPOCH }, statement, signer, keyring.device.dk, Date.now());
  const roster = await followRoster(null, link, chains);
  const epoch = await sealEpoch(context, roster, NO_EPOCH);
  const state = plan.title === null ? null : await firstState(context, roster, epoch, { title: plan.title, picture: plan.picture });
  return { space: toHex(space), link, epoch: sent(epoch), state };
}

async function firstState(context: Context, roster: Roster, epoch: NewEpoch, state: { title: string; picture: ConversationPlan['picture'] }): Promise<Bytes> {
  const { keyring } = context;
  const signer = await ownSigner(context);
  const first = await nextHash(LOG_START.hash, 1, roster.hash);
  const second = await nextHash(first, 2, epoch.epoch.hash);
  // A title lives as long as the policy lets anything live.
  const b = roster.policy.lifetime;
  const branch = epoch.branches[b];
  if (!branch) throw new RangeError('An epoch has seven branches.');
  const now = Date.now();
  const header = {
    space: roster.space, epoch: epoch.epoch, id: makeEnvelopeId(now, randomBytes(10)), member: signer.member, device: signer.device, n: signer.n,
    seen: { n: 2, hash: second }, kind: EnvelopeKind.STATE, ref: null, b, time: now,
  };
  return (await sealEnvelope(header, stateContent(state), branch, keyring.device.dk)).bytes;
}

/** A roster link on the newest state. Throws FORBIDDEN where the rules do not let this member sign it. */
export async function makeChange(context: Context, space: Space, change: RosterChange): Promise<LinkBytes> {
  const { keyring, people } = context;
  const roster = rosterOf(space);
  const statement = await statementOf(context, change, roster);
  const signer = await ownSigner(context);
  const { chains } = await people.lookup([keyring.member, ...('member' in change ? [change.member] : [])]);
  const link = await makeRosterLink(rosterPlace(roster, space.record.current ?? NO_EPOCH), statement, signer, keyring.device.dk, Date.now());
  await followRoster(roster, link, chains, space.record.current ?? NO_EPOCH);
  return { body: link.body, signature: link.signature };
}

async function statementOf(context: Context, change: RosterChange, roster: Roster): Promise<RosterStatement> {
  if (change.what === 'policy') return { kind: 4, policy: changedPolicy(roster.policy, change) };
  const member = fromHex(change.member);
  switch (change.what) {
    case 'add': {
      demandNoAlarm(context, change.member);
      demandAccepted(context, change.member);
      const { chain } = await context.people.get(change.member);
      return { kind: 1, member, identity: chain.identity, role: roleNumber(change.role) };
    }
    case 'readmit': {
      demandNoAlarm(context, change.member);
      const seat = roster.seats.get(change.member);
      if (!seat) throw new CircleFailure('NOT_FOUND', 'This person is no longer in this conversation.');
      const { chain } = await context.people.get(change.member);
      return { kind: 1, member, identity: chain.identity, role: seat.role };
    }
    case 'remove':
      return { kind: 2, member };
    case 'role':
      return { kind: 3, member, role: roleNumber(change.role) };
  }
}

/** The next epoch, sealed to everyone whose ID is the roster's. Its secret is not kept: the own seal gives it again. */
export async function makeNextEpoch(context: Context, space: Space): Promise<EpochInputBytes> {
  const roster = rosterOf(space);
  return sent(await sealEpoch(context, roster, space.record.current ?? NO_EPOCH));
}

async function sealEpoch(context: Context, roster: Roster, previous: { n: number; hash: Bytes }): Promise<NewEpoch> {
  const members = [...roster.seats.keys()];
  for (const member of members) demandNoAlarm(context, member);
  const { chains, keys } = await context.people.lookup(members);
  return makeEpoch(roster, expectedRecipients(roster, chains, keys), await ownSigner(context), context.keyring.device.dk, Date.now(), previous);
}

/** The newest epoch's whole list against what is known. Throws a ProtocolError RECIPIENTS_CHANGED, or ALARM. */
export async function checkList(context: Context, space: Space): Promise<void> {
  const epoch = await space.current();
  if (!epoch) throw new CircleFailure('NO_KEY', 'This device was not given the keys of this conversation.');
  if (!epoch.branches.some((branch) => branch !== null)) throw new CircleFailure('NO_KEY', epoch.reason ?? 'This device cannot open the keys of this conversation.');
  const roster = space.states[epoch.rosterN];
  if (!roster || roster.n !== rosterOf(space).n) throw new CircleFailure('EPOCH_DUE', 'This conversation needs new keys first.');
  const members = [...roster.seats.keys()];
  for (const member of members) demandNoAlarm(context, member);
  const { chains, keys } = await context.people.lookup(members);
  const rows = parseRecipients(epoch.recipients);
  await checkRecipients(epoch.recipients, await parseAnnouncement(epoch.body), expectedRecipients(roster, chains, keys, rows));
}

/** The complaint about an epoch's own seal. */
export async function makeOwnComplaint(context: Context, space: Space, n: number): Promise<LinkBytes | null> {
  const epoch = await space.epoch(n);
  if (!epoch) return null;
  const announced = await parseAnnouncement(epoch.body);
  const row = await ownRow(announced, epoch.recipients, context.keyring.memberBytes);
  return makeComplaint(announced, row.sealHash, await ownSigner(context), context.keyring.device.dk, Date.now());
}

/** Of one grant, so that it stays below the API's 1 MiB with seven keys for each. */
const EPOCHS_AT_ONCE = 2_000;

/**
 * What a member is owed, sealed to their newest key: every branch that this device holds where earlier history was to be
 * given and still is shared, else those of epochs that the member soundly complained of. None where there is nothing.
 */
export async function makeOwnGrants(context: Context, space: Space, member: string): Promise<{ grant: Bytes; generation: number }[]> {
  const roster = rosterOf(space);
  const owed = space.record.owed.filter((one) => one.member === member);
  const complained = new Set(owed.map(({ epoch }) => epoch));
  const givesAll = complained.has(0) && roster.policy.shared;
  if (context.people.alarmOf(member) !== null || !roster.seats.has(member)) return [];
  const { chain, key } = await context.people.get(member);
  if (!isLiving(chain, key)) return [];
  const to = { member: fromHex(member), generation: key.generation, mk: key.mk, mkHash: key.mkHash };
  const made: { grant: Bytes; generation: number }[] = [];
  let entries: GrantEntry[] = [];
  const give = async () => {
    if (entries.length === 0) return;
    checkGrantScope(entries, roster, to.member, chain.identity, complained);
    made.push({ grant: await sealGrant(space.bytes, to, entries), generation: key.generation });
    entries = [];
  };
  for (let n = 1; n <= (space.record.current?.n ?? 0); n += 1) {
    if (!givesAll && !complained.has(n)) continue;
    for (const [branch, own] of ((await space.epoch(n))?.branches ?? []).entries()) if (own) entries.push({ epoch: n, branch, key: own });
    if (n % EPOCHS_AT_ONCE === 0) await give();
  }
  await give();
  return made;
}

export function rosterOf(space: Space): Roster {
  const { roster } = space;
  if (!roster) throw new CircleFailure('UNVERIFIED', 'This device cannot verify who is in this conversation.');
  return roster;
}

function demandNoAlarm({ people }: Context, member: string): void {
  const alarm = people.alarmOf(member);
  if (alarm !== null) throw new CircleFailure('FORK', alarm);
}

/** Whoever began anew is taken into something new only by a person who was shown that (e2ee.md section 12). */
function demandAccepted({ people }: Context, member: string): void {
  if (!people.isChanged(member)) return;
  const name = people.name(member);
  throw new CircleFailure(
    'IDENTITY_CHANGED',
    `${name} began anew with a new identity. Compare the safety number with ${name}, or let ${name} in again where you already write to each other.`,
  );
}

function sent(epoch: NewEpoch): EpochInputBytes {
  return { announcement: epoch.announcement.body, signature: epoch.announcement.signature, recipients: epoch.recipients, seals: [...epoch.seals] };
}
