/** The roster chain of e2ee.md section 5: its links as bytes, and what they say. */
import { compare, toHex, Z32, type Bytes } from './bytes';
import { CLASSES } from './branches';
import { any, encode, fields, list, read, struct, tuple, uint, type Reader, type Value } from './cbor';
import { demand } from './errors';
import { signBody } from './labels';
import type { SigningKey } from './primitives';
import { hash, head, id, signer, signerValue, SUITE, suite, time, type Head, type Signed, type Signer } from './signer';

export const MAX_MEMBERS = 1_000;
const LINK_CAP = 65_536;

export const SpaceType = { DIRECT: 0, GROUP: 1, BROADCAST: 2, VAULT: 3, ACCOUNT: 4 } as const;
export type SpaceType = (typeof SpaceType)[keyof typeof SpaceType];

/** Roles, ascending. */
export const Role = { READER: 0, WRITER: 1, ADMIN: 2, OWNER: 3 } as const;
export type Role = (typeof Role)[keyof typeof Role];

export const RosterKind = { CREATE: 0, ADD: 1, REMOVE: 2, ROLE: 3, POLICY: 4 } as const;
export type RosterKind = (typeof RosterKind)[keyof typeof RosterKind];

/** A member's place in a roster: the ID that the roster knows, and the role. */
export interface Seat {
  readonly member: Bytes;
  readonly identity: Bytes;
  readonly role: Role;
}

/** `lifetime` is a class b (0: none); `shared`: newcomers may be given earlier history. */
export interface Policy {
  readonly lifetime: number;
  readonly shared: boolean;
}

export type RosterStatement =
  | { readonly kind: 0; readonly type: SpaceType; readonly seats: readonly Seat[]; readonly policy: Policy }
  | { readonly kind: 1; readonly member: Bytes; readonly identity: Bytes; readonly role: Role }
  | { readonly kind: 2; readonly member: Bytes }
  | { readonly kind: 3; readonly member: Bytes; readonly role: Role }
  | { readonly kind: 4; readonly policy: Policy };

export interface RosterLink {
  readonly space: Bytes;
  readonly n: number;
  readonly before: Bytes;
  readonly statement: RosterStatement;
  /** Field 6: the newest epoch when it was signed, [0, Z32] before the first. */
  readonly epoch: Head;
  readonly signer: Signer;
  readonly time: number;
}

/** [0, Z32]: field 6 before the first epoch. */
export const NO_EPOCH: Head = { n: 0, hash: Z32 };

const role = uint(Role.OWNER) as Reader<Role>;
const seatTuple = tuple(id, hash, role);
const seat: Reader<Seat> = (value) => {
  const [member, identity, rank] = seatTuple(value);
  return { member, identity, role: rank };
};
const policyFields = fields(uint(CLASSES - 1), uint(1));
const policy: Reader<Policy> = (value) => {
  const [lifetime, history] = policyFields(value);
  return { lifetime, shared: history === 1 };
};
const createFields = fields(uint(SpaceType.ACCOUNT) as Reader<SpaceType>, list(seat, MAX_MEMBERS, 1), policy);

const statements: Record<RosterKind, Reader<RosterStatement>> = {
  0: (value) => {
    const [type, seats, rules] = createFields(value);
    const each = new Set(seats.map(({ member }) => toHex(member)));
    demand(each.size === seats.length, 'cbor', 'MALFORMED', 'A roster names each member once.');
    return { kind: 0, type, seats, policy: rules };
  },
  1: (value) => {
    const [member, identity, rank] = fields(id, hash, role)(value);
    return { kind: 1, member, identity, role: rank };
  },
  2: (value) => {
    const [member] = fields(id)(value);
    return { kind: 2, member };
  },
  3: (value) => {
    const [member, rank] = fields(id, role)(value);
    return { kind: 3, member, role: rank };
  },
  4: (value) => {
    const [rules] = fields(policy)(value);
    return { kind: 4, policy: rules };
  },
};

const linkFields = fields(suite, id, uint(), hash, uint(4) as Reader<RosterKind>, any, head, signer, time);

/**
 * Reads a link's body; says nothing about its signature.
 * @throws {ProtocolError} cbor/MALFORMED
 */
export function parseRosterLink(body: Bytes): RosterLink {
  demand(body.length <= LINK_CAP, 'cbor', 'MALFORMED', 'This link is too long.');
  const [, space, n, before, kind, statement, epoch, by, at] = read(body, linkFields);
  return { space, n, before, statement: statements[kind](statement), epoch, signer: by, time: at };
}

function policyValue(rules: Policy): Value {
  return struct(rules.lifetime, rules.shared ? 1 : 0);
}

function statementValue(statement: RosterStatement): Value {
  switch (statement.kind) {
    case 0: {
      const rows = [...statement.seats].sort((a, b) => compare(a.member, b.member)).map((row) => [row.member, row.identity, row.role]);
      return struct(statement.type, rows, policyValue(statement.policy));
    }
    case 1:
      return struct(statement.member, statement.identity, statement.role);
    case 2:
      return struct(statement.member);
    case 3:
      return struct(statement.member, statement.role);
    case 4:
      return struct(policyValue(statement.policy));
  }
}

/** Where the next link goes: after the roster's head (null: first), naming the space's newest epoch. */
export interface RosterPlace {
  readonly space: Bytes;
  readonly head: Head | null;
  readonly epoch: Head;
}

/**
 * Makes the next link and signs it. Nothing is checked here: follow it with `followRoster`
 * (rosterState.ts), which is also how the new roster is had.
 */
export async function makeRosterLink(place: RosterPlace, statement: RosterStatement, by: Signer, dk: SigningKey, now: number): Promise<Signed> {
  const n = place.head === null ? 0 : place.head.n + 1;
  const epoch: Value = [place.epoch.n, place.epoch.hash];
  const body = encode(struct(SUITE, place.space, n, place.head?.hash ?? Z32, statement.kind, statementValue(statement), epoch, signerValue(by), now));
  return { body, signature: await signBody(dk, 'roster', body) };
}
