/** What holds after a roster link, and who may sign the next one (e2ee.md section 5; docs/decisions/0002). */
import { compare, equal, toHex, Z32, type Bytes } from './bytes';
import { demand, ProtocolError } from './errors';
import { hBody, verifyBody } from './labels';
import { signerAt, type MemberChain } from './member';
import { MAX_MEMBERS, NO_EPOCH, parseRosterLink, Role, SpaceType, type Policy, type RosterLink, type RosterPlace, type Seat } from './roster';
import type { Head, Signed } from './signer';

/** Finds a member's verified chain; undefined where this client holds none (it must fetch it first). */
export type Chains = (member: Bytes) => MemberChain | undefined;

/** A roster after some link; it never changes, each link gives a new one. Maps are keyed by the member's id in hex. */
export interface Roster extends Head {
  readonly space: Bytes;
  readonly type: SpaceType;
  readonly policy: Policy;
  readonly seats: ReadonlyMap<string, Seat>;
  /** Field 6 of the newest link. */
  readonly epoch: Head;
  /** The newest head of its chain that each signer named. */
  readonly heads: ReadonlyMap<string, Head>;
  /** Field 6's epoch of each member's newest add; absent: there from the first. */
  readonly joined: ReadonlyMap<string, number>;
}

function forbidden(message: string): ProtocolError {
  return new ProtocolError('roster', 'FORBIDDEN', message);
}

function conflict(condition: boolean, message: string): void {
  demand(condition, 'roster', 'CHAIN_CONFLICT', message);
}

/** Where the next link goes, given the space's newest epoch. */
export function rosterPlace(roster: Roster, epoch: Head = NO_EPOCH): RosterPlace {
  return { space: roster.space, head: { n: roster.n, hash: roster.hash }, epoch };
}

export function seatOf(roster: Roster, member: Bytes): Seat | null {
  return roster.seats.get(toHex(member)) ?? null;
}

/** The chain of a member. @throws {ProtocolError} member/CHAIN_CONFLICT if this client holds none */
export function chainOf(chains: Chains, member: Bytes): MemberChain {
  const chain = chains(member);
  demand(chain !== undefined, 'member', 'CHAIN_CONFLICT', "This member's chain is not known yet.");
  return chain;
}

/** The members, ascending, whose present ID is the roster's: who gets a seal of the next epoch (section 6). */
export function recipientsOf(roster: Roster, chains: Chains): readonly Bytes[] {
  return [...roster.seats.values()]
    .filter((seat) => equal(chainOf(chains, seat.member).identity, seat.identity))
    .map((seat) => seat.member)
    .sort(compare);
}

/**
 * Verifies the next link of a roster.
 * @param roster the state before, null for link 0
 * @param newestEpoch the space's newest epoch where the log is known: field 6 must name it; without it field 6 must not go back
 * @returns the state after
 * @throws {ProtocolError} cbor/MALFORMED; roster/CHAIN_CONFLICT for another place, epoch or a head that goes back;
 *   member/CHAIN_CONFLICT, FORK or FORBIDDEN for the signer's chain; roster/FORBIDDEN for the rules of roles;
 *   ed25519/FORBIDDEN for the signature
 */
export async function followRoster(roster: Roster | null, signed: Signed, chains: Chains, newestEpoch: Head | null = null): Promise<Roster> {
  const link = parseRosterLink(signed.body);
  checkPlace(roster, link, newestEpoch);
  checkHead(roster, link);
  const { signer } = link;
  const by = signerAt(chainOf(chains, signer.member), signer.member, signer.device, signer);
  const next = change(roster, link, by.identity, await hBody('roster', signed.body));
  await verifyBody(by.dk, signed.signature, 'roster', signed.body);
  return next;
}

/**
 * Verifies a roster from link 0.
 * @returns the states after each link; the index is n
 * @throws {ProtocolError} as {@link followRoster}; roster/CHAIN_CONFLICT for no link or another space
 */
export async function verifyRoster(space: Bytes, links: readonly Signed[], chains: Chains): Promise<readonly Roster[]> {
  const states: Roster[] = [];
  for (const link of links) states.push(await followRoster(states.at(-1) ?? null, link, chains));
  const [first] = states;
  conflict(first !== undefined && equal(first.space, space), "This roster is empty or another space's.");
  return states;
}

/**
 * Compares a roster with the head that a client pinned (section 12).
 * @param states what {@link verifyRoster} gave
 * @throws {ProtocolError} roster/FORK for a shorter chain, or another hash at that number
 */
export function checkRosterPin(states: readonly Roster[], pinned: Head): void {
  const state = states[pinned.n];
  demand(state !== undefined && equal(state.hash, pinned.hash), 'roster', 'FORK', 'The server shows another list of members than before.');
}

function sameHead(a: Head, b: Head): boolean {
  return a.n === b.n && equal(a.hash, b.hash);
}

function checkPlace(roster: Roster | null, link: RosterLink, newestEpoch: Head | null): void {
  const fits = roster === null
    ? link.n === 0 && equal(link.before, Z32)
    : equal(link.space, roster.space) && link.n === roster.n + 1 && equal(link.before, roster.hash);
  conflict(fits, 'This link does not follow the roster.');
  const known = roster === null ? NO_EPOCH : newestEpoch;
  conflict(known === null || sameHead(link.epoch, known), 'This link does not name the newest epoch.');
  const goesOn = roster === null || link.epoch.n > roster.epoch.n || sameHead(link.epoch, roster.epoch);
  conflict(goesOn, 'This link names an older epoch than the link before it.');
}

function checkHead(roster: Roster | null, link: RosterLink): void {
  const before = roster?.heads.get(toHex(link.signer.member));
  const goesOn = before === undefined || link.signer.n > before.n || sameHead(link.signer, before);
  conflict(goesOn, "The signer's chain goes back along the roster.");
}

function change(roster: Roster | null, link: RosterLink, signerIdentity: Bytes, digest: Bytes): Roster {
  const { signer, statement } = link;
  const at = { n: link.n, hash: digest, epoch: link.epoch };
  const key = toHex(signer.member);
  const named: Head = { n: signer.n, hash: signer.hash };
  if (roster === null) return { ...at, ...created(link, signerIdentity), heads: new Map([[key, named]]), joined: new Map() };
  const by = roster.seats.get(key);
  const renews = roster.type === SpaceType.ACCOUNT && statement.kind === 1;
  if (by === undefined || !(renews || equal(by.identity, signerIdentity))) throw forbidden('The signer is not in the roster with this ID.');
  const heads = new Map([...roster.heads, [key, named]]);
  const next = { ...roster, ...at, heads };
  switch (statement.kind) {
    case 0:
      throw forbidden('A space is created once.');
    case 1: {
      const seats = renews ? renewed(by, statement, signerIdentity) : added(roster, by, statement);
      return { ...next, seats, joined: new Map([...roster.joined, [toHex(statement.member), link.epoch.n]]) };
    }
    case 2:
      return { ...next, seats: removed(roster, by, statement.member) };
    case 3:
      return { ...next, seats: ranked(roster, by, statement.member, statement.role) };
    case 4:
      need(by, Role.ADMIN);
      return { ...next, policy: statement.policy };
  }
}

function created(link: RosterLink, signerIdentity: Bytes): Pick<Roster, 'space' | 'type' | 'policy' | 'seats'> {
  const { statement } = link;
  if (statement.kind !== 0) throw forbidden('A roster begins with its creation.');
  const { type, policy } = statement;
  const seats = new Map(statement.seats.map((seat) => [toHex(seat.member), seat]));
  const owner = seats.get(toHex(link.signer.member));
  if (owner?.role !== Role.OWNER || !equal(owner.identity, signerIdentity)) {
    throw forbidden("A space is created by its owner, with the owner's present ID.");
  }
  const bothOwn = seats.size === 2 && statement.seats.every((seat) => seat.role === Role.OWNER);
  if (type === SpaceType.DIRECT && !bothOwn) throw forbidden('A direct conversation has exactly two members, both owners.');
  if (type === SpaceType.ACCOUNT && seats.size !== 1) throw forbidden('An account has one member.');
  return { space: link.space, type, policy, seats };
}

function need(by: Seat, least: Role): void {
  if (by.role < least) throw forbidden("The signer's role does not allow this.");
}

function added(roster: Roster, by: Seat, seat: Seat): ReadonlyMap<string, Seat> {
  need(by, Role.ADMIN);
  if (seat.role > by.role && !isOnlyOwner(roster, seat.member)) throw forbidden('Nobody gives a role above their own.');
  const key = toHex(seat.member);
  const present = roster.seats.get(key);
  if (present === undefined) {
    if (roster.type === SpaceType.DIRECT) throw forbidden('A direct conversation has exactly two members.');
    if (roster.seats.size >= MAX_MEMBERS) throw forbidden('A space has at most 1,000 members.');
  } else if (equal(present.identity, seat.identity) || present.role !== seat.role || equal(seat.member, by.member)) {
    throw forbidden('A present member is added only with a new ID, by another, in the same role.');
  }
  const { member, identity, role } = seat;
  return new Map([...roster.seats, [key, { member, identity, role }]]);
}

/** After a reset the member takes the account over under the new ID (docs/decisions/0011). */
function renewed(by: Seat, { member, identity, role }: Seat, signerIdentity: Bytes): ReadonlyMap<string, Seat> {
  if (!equal(member, by.member) || role !== Role.OWNER) throw forbidden('Nobody is added to an account.');
  if (!equal(identity, signerIdentity) || equal(by.identity, signerIdentity)) {
    throw forbidden("An account is renewed with the member's own new ID alone.");
  }
  return new Map([[toHex(member), { member, identity, role }]]);
}

function isOnlyOwner(roster: Roster, member: Bytes): boolean {
  const owners = [...roster.seats.values()].filter((seat) => seat.role === Role.OWNER);
  return owners.length === 1 && owners.every((owner) => equal(owner.member, member));
}

function removed(roster: Roster, by: Seat, member: Bytes): ReadonlyMap<string, Seat> {
  fixedIn(roster, 'Nobody is removed from a direct conversation or an account.');
  const present = seatOf(roster, member);
  if (present === null) throw forbidden('This member is not in the roster.');
  if (!equal(member, by.member)) {
    need(by, Role.ADMIN);
    if (present.role > by.role) throw forbidden('Nobody removes a role above their own.');
  }
  const seats = new Map(roster.seats);
  seats.delete(toHex(member));
  return keepOwner(seats);
}

function ranked(roster: Roster, by: Seat, member: Bytes, role: Role): ReadonlyMap<string, Seat> {
  fixedIn(roster, 'Roles in a direct conversation or an account are fixed.');
  need(by, Role.OWNER);
  const present = seatOf(roster, member);
  if (present === null) throw forbidden('This member is not in the roster.');
  return keepOwner(new Map([...roster.seats, [toHex(member), { ...present, role }]]));
}

function fixedIn(roster: Roster, message: string): void {
  if (roster.type === SpaceType.DIRECT || roster.type === SpaceType.ACCOUNT) throw forbidden(message);
}

function keepOwner(seats: ReadonlyMap<string, Seat>): ReadonlyMap<string, Seat> {
  if (![...seats.values()].some((seat) => seat.role === Role.OWNER)) throw forbidden('The last owner stays.');
  return seats;
}
