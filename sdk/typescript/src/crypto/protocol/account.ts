/**
 * What the devices of a member tell each other in the account space: pins, marks, the recovery key's confirmation.
 * Contents of kind 8 in a space of type 4 (e2ee.md sections 5 and 12; docs/decisions/0080). Each holds one of the keys
 * below; of two rows about the same member or space the later one of the log holds.
 */
import { equal, toHex, type Bytes } from './bytes';
import { bytes, list, tuple, uint, type Reader, type Value } from './cbor';
import type { Content } from './envelope';
import { demand, ProtocolError } from './errors';
import { checkMemberPin, identityAt, type MemberChain } from './member';
import { hash, id, type Head } from './signer';

export const ROWS_CAP = 400;

/** The newest chain head and generation that a device saw of a member, with the ID at that head. */
export interface MemberPin {
  readonly member: Bytes;
  readonly identity: Bytes;
  readonly chain: Head;
  readonly generation: number;
}

/** The newest heads that a device saw of a space. */
export interface SpacePin {
  readonly space: Bytes;
  readonly roster: Head;
  readonly epoch: Head;
  readonly log: Head;
}

/** Somebody compared the safety number with exactly this ID, or took that back. */
export interface VerifiedMark {
  readonly member: Bytes;
  readonly identity: Bytes;
  readonly verified: boolean;
}

export type AccountContent =
  | { readonly what: 'members'; readonly rows: readonly MemberPin[] }
  | { readonly what: 'spaces'; readonly rows: readonly SpacePin[] }
  | { readonly what: 'marks'; readonly rows: readonly VerifiedMark[] }
  | { readonly what: 'confirmed'; readonly confirmed: boolean };

const KEYS = { members: 16, spaces: 17, marks: 18, confirmed: 19 } as const;

const flag: Reader<boolean> = (value) => {
  demand(typeof value === 'boolean', 'cbor', 'MALFORMED', 'True or false is expected.');
  return value;
};
const rowsOf = <T>(reader: Reader<T>) => list(reader, ROWS_CAP);
const members = rowsOf(tuple(id, bytes(32), uint(), hash, uint()));
const spaces = rowsOf(tuple(id, uint(), hash, uint(), hash, uint(), hash));
const marks = rowsOf(tuple(id, bytes(32), flag));

/** The map to seal. @throws {ProtocolError} envelope/UNREADABLE above 400 rows, or where a row has not its shape */
export function accountContent(content: AccountContent): Content {
  const map: Content = new Map([[KEYS[content.what], valueOf(content)]]);
  readAccount(map);
  return map;
}

function valueOf(content: AccountContent): Value {
  switch (content.what) {
    case 'members':
      return content.rows.map(({ member, identity, chain, generation }) => [member, identity, chain.n, chain.hash, generation]);
    case 'spaces':
      return content.rows.map(({ space, roster, epoch, log }) => [space, roster.n, roster.hash, epoch.n, epoch.hash, log.n, log.hash]);
    case 'marks':
      return content.rows.map(({ member, identity, verified }) => [member, identity, verified]);
    case 'confirmed':
      return content.confirmed;
  }
}

/**
 * @returns null where a later version wrote something else
 * @throws {ProtocolError} envelope/UNREADABLE for another shape, two of the keys, more than 400 rows
 */
export function readAccount(content: Content): AccountContent | null {
  const found = Object.values(KEYS).filter((key) => content.has(key));
  demand(found.length <= 1, 'envelope', 'UNREADABLE', 'A content of the account holds exactly one thing.');
  const [key] = found;
  if (key === undefined) return null;
  try {
    return read(key, content.get(key) ?? null);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new ProtocolError('envelope', 'UNREADABLE', 'The content has not the shape of its kind.');
  }
}

function read(key: (typeof KEYS)[keyof typeof KEYS], value: Value): AccountContent {
  switch (key) {
    case KEYS.members:
      return { what: 'members', rows: members(value).map(([member, identity, n, digest, generation]) => ({ member, identity, chain: { n, hash: digest }, generation })) };
    case KEYS.spaces:
      return {
        what: 'spaces',
        rows: spaces(value).map(([space, r, rosterHash, e, epochHash, seq, l]) => ({
          space, roster: { n: r, hash: rosterHash }, epoch: { n: e, hash: epochHash }, log: { n: seq, hash: l },
        })),
      };
    case KEYS.marks:
      return { what: 'marks', rows: marks(value).map(([member, identity, verified]) => ({ member, identity, verified })) };
    case KEYS.confirmed:
      return { what: 'confirmed', confirmed: flag(value) };
  }
}

/**
 * Whether what is shown of a member goes on from a pin.
 * @throws {ProtocolError} member/FORK for a shorter chain or another link; envelope/FORK for another ID or an older key
 */
export function checkAccountPin(pin: MemberPin, chain: MemberChain, generation: number): void {
  checkMemberPin(chain, pin.chain);
  const identity = identityAt(chain, pin.chain.n);
  const fits = identity !== null && equal(identity, pin.identity) && generation >= pin.generation;
  demand(fits, 'envelope', 'FORK', "The member's keys are not those that another device of this account saw.");
}

/** What the account's log says so far; feed every readable content in order of seq. Keyed by hex ids. */
export class AccountBook {
  readonly members = new Map<string, MemberPin>();
  readonly spaces = new Map<string, SpacePin>();
  readonly marks = new Map<string, VerifiedMark>();
  confirmed = false;

  /** The next content: its rows replace earlier ones about the same. */
  take(content: AccountContent): void {
    switch (content.what) {
      case 'members':
        for (const row of content.rows) this.members.set(toHex(row.member), row);
        return;
      case 'spaces':
        for (const row of content.rows) this.spaces.set(toHex(row.space), row);
        return;
      case 'marks':
        for (const row of content.rows) this.marks.set(toHex(row.member), row);
        return;
      case 'confirmed':
        this.confirmed = content.confirmed;
    }
  }

  /** Whether the mark holds for this ID: another ID is unverified by itself. */
  isVerified(member: string, identity: Bytes): boolean {
    const mark = this.marks.get(member);
    return mark?.verified === true && equal(mark.identity, identity);
  }
}
