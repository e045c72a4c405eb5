/**
 * Member chains (e2ee.md section 4): who a member's devices are, told by signed links alone.
 * A {@link MemberChain} is the verified state after some links; it never changes, each link gives a new one.
 */
import { equal, Z16, Z32, type Bytes } from './bytes';
import { bytes, encode, fields, read, struct, uint, type Reader, type Value } from './cbor';
import { demand, ProtocolError } from './errors';
import { hBody, signBody, verifyBody } from './labels';
import { checkSealPublicKey, checkSigningPublicKey, SEAL_PUBLIC_LENGTH, type SigningKey } from './primitives';
import { BODY_CAP, hash, id, SUITE, suite, time, type Head, type Signed } from './signer';

export const MemberKind = { IDENTITY: 0, DEVICE_ADD: 1, DEVICE_REVOKE: 2, RECOVERY: 3, IDENTITY_RESET: 4 } as const;
export type MemberKind = (typeof MemberKind)[keyof typeof MemberKind];

/** A chain holds at most this many active devices (section 13). */
export const MAX_DEVICES = 20;

/** A link with its signatures: kinds 0 and 4 are signed by DK and co-signed by RS, kind 3 by a DK and co-signed by the new RS. */
export interface SignedLink extends Signed {
  readonly cosignature: Bytes | null;
}

export type MemberStatement =
  | { readonly kind: 0 | 4; readonly device: Bytes; readonly dk: Bytes; readonly rs: Bytes; readonly rx: Bytes }
  | { readonly kind: 1; readonly device: Bytes; readonly dk: Bytes }
  | { readonly kind: 2; readonly device: Bytes }
  | { readonly kind: 3; readonly rs: Bytes; readonly rx: Bytes };

export interface MemberLink {
  readonly member: Bytes;
  readonly n: number;
  /** Hash of the link before, Z32 at 0. */
  readonly before: Bytes;
  readonly statement: MemberStatement;
  readonly time: number;
  /** The signing device, Z16 for RS. */
  readonly device: Bytes;
}

/** A device's life in a chain: active at head n for `since` <= n < `until`. */
export interface ChainDevice {
  readonly device: Bytes;
  readonly dk: Bytes;
  readonly since: number;
  readonly until: number | null;
}

export interface MemberChain extends Head {
  readonly member: Bytes;
  /** The member's ID: H of link 0 or of the newest reset. */
  readonly identity: Bytes;
  /** All identities with the link that made each, oldest first. */
  readonly identities: readonly Head[];
  /** The link hashes by n. */
  readonly hashes: readonly Bytes[];
  /** All devices that ever were, in order of their links. */
  readonly devices: readonly ChainDevice[];
  readonly rs: Bytes;
  readonly rx: Bytes;
  /** n of the link that named RX. */
  readonly rxN: number;
  /** n of the newest link of kind 2, 3 or 4; 0 if there is none. What came before it no longer lives. */
  readonly turned: number;
}

const statements: Record<MemberKind, Reader<MemberStatement>> = {
  0: (value) => identityStatement(0, value),
  1: (value) => {
    const [device, dk] = fields(id, bytes(32))(value);
    return { kind: 1, device, dk };
  },
  2: (value) => {
    const [device] = fields(id)(value);
    return { kind: 2, device };
  },
  3: (value) => {
    const [rs, rx] = fields(bytes(32), bytes(SEAL_PUBLIC_LENGTH))(value);
    return { kind: 3, rs, rx };
  },
  4: (value) => identityStatement(4, value),
};

function identityStatement(kind: 0 | 4, value: Value): MemberStatement {
  const [device, dk, rs, rx] = fields(id, bytes(32), bytes(32), bytes(SEAL_PUBLIC_LENGTH))(value);
  return { kind, device, dk, rs, rx };
}

function statementValue(statement: MemberStatement): Value {
  switch (statement.kind) {
    case 0:
    case 4:
      return struct(statement.device, statement.dk, statement.rs, statement.rx);
    case 1:
      return struct(statement.device, statement.dk);
    case 2:
      return struct(statement.device);
    case 3:
      return struct(statement.rs, statement.rx);
  }
}

const linkFields = fields(suite, id, uint(), hash, uint(4), (value) => value, time, id);

/**
 * Reads a link's body; says nothing about its signatures.
 * @throws {ProtocolError} cbor/MALFORMED
 */
export function parseMemberLink(body: Bytes): MemberLink {
  demand(body.length <= BODY_CAP, 'cbor', 'MALFORMED', 'This link is too long.');
  const [, member, n, before, kind, statement, at, device] = read(body, linkFields);
  return { member, n, before, statement: statements[kind as MemberKind](statement), time: at, device };
}

/** What signs a new link. For kinds 0, 3 and 4 `cosigner` is RS of the statement. */
export interface MemberLinkSigners {
  /** The signing device, Z16 with RS as `key`. */
  readonly device: Bytes;
  readonly key: SigningKey;
  readonly cosigner?: SigningKey;
}

/**
 * Makes the next link of a chain (link 0 when `chain` is null) and signs it. Nothing is checked
 * here: follow it with {@link followMember}, which is also how the new chain is had.
 */
export async function makeMemberLink(
  chain: MemberChain | null,
  member: Bytes,
  statement: MemberStatement,
  signers: MemberLinkSigners,
  now: number,
): Promise<SignedLink> {
  const n = chain === null ? 0 : chain.n + 1;
  const body = encode(struct(SUITE, member, n, chain?.hash ?? Z32, statement.kind, statementValue(statement), now, signers.device));
  const signature = await signBody(signers.key, 'member', body);
  const cosignature = signers.cosigner === undefined ? null : await signBody(signers.cosigner, 'member', body);
  return { body, signature, cosignature };
}

/** The device's entry if it is active at link n of the chain (default: its head). */
export function deviceAt(chain: MemberChain, device: Bytes, n: number = chain.n): ChainDevice | null {
  return chain.devices.find((entry) => equal(entry.device, device) && entry.since <= n && (entry.until === null || n < entry.until)) ?? null;
}

/** The devices active at the head, in order of their links. */
export function activeDevices(chain: MemberChain): readonly ChainDevice[] {
  return chain.devices.filter((entry) => entry.until === null);
}

/** The ID that was the member's at link n, or null before link 0. */
export function identityAt(chain: MemberChain, n: number): Bytes | null {
  return chain.identities.findLast((entry) => entry.n <= n)?.hash ?? null;
}

/**
 * Whether a head is one of the chain's: 'same' or older.
 * @returns 'known', or 'ahead' if the chain is not that long
 * @throws {ProtocolError} member/FORK if it is another hash at a known place
 */
export function compareMemberHead(chain: MemberChain, head: Head): 'known' | 'ahead' {
  const known = chain.hashes[head.n];
  if (known === undefined) return 'ahead';
  demand(equal(known, head.hash), 'member', 'FORK', "This member's keys contradict what was seen before.");
  return 'known';
}

/** What a chain says of a signer at the link it names. */
export interface SigningDevice {
  readonly dk: Bytes;
  /** The member's ID then. */
  readonly identity: Bytes;
}

/**
 * The key of a signing device, which must have been active at the named head.
 * @throws {ProtocolError} member/CHAIN_CONFLICT if the chain is shorter, member/FORK for another hash there,
 *   member/FORBIDDEN if the device was not active, or for another member's chain
 */
export function signerAt(chain: MemberChain, member: Bytes, device: Bytes, head: Head): SigningDevice {
  if (!equal(chain.member, member)) throw forbidden("This is another member's chain.");
  demand(compareMemberHead(chain, head) === 'known', 'member', 'CHAIN_CONFLICT', 'The signer names a link that is not known yet.');
  const entry = deviceAt(chain, device, head.n);
  const identity = identityAt(chain, head.n);
  if (entry === null || identity === null) throw forbidden('The signing device was not active.');
  return { dk: entry.dk, identity };
}

/**
 * Compares a chain with the head that a client pinned (section 12): lower, or other at the same number, is a fork.
 * @throws {ProtocolError} member/FORK
 */
export function checkMemberPin(chain: MemberChain, pinned: Head): void {
  demand(compareMemberHead(chain, pinned) === 'known', 'member', 'FORK', "The server shows an older state of this member's keys than before.");
}

function forbidden(message: string): ProtocolError {
  return new ProtocolError('member', 'FORBIDDEN', message);
}

async function checkSignatures(chain: MemberChain | null, link: MemberLink, signed: SignedLink): Promise<void> {
  const { statement } = link;
  const byRecovery = equal(link.device, Z16);
  let key: Bytes;
  let cokey: Bytes | null = null;
  if (statement.kind === 0 || statement.kind === 4) {
    if (!equal(link.device, statement.device)) throw forbidden('An identity is signed by the device that it names.');
    key = statement.dk;
    cokey = statement.rs;
  } else if (chain === null) {
    throw forbidden('A chain begins with an identity.');
  } else if (byRecovery) {
    if (statement.kind === 3) throw forbidden('A recovery key is replaced by a device.');
    key = chain.rs;
  } else {
    const signer = deviceAt(chain, link.device);
    if (signer === null) throw forbidden('The signing device is not active.');
    key = signer.dk;
    if (statement.kind === 3) cokey = statement.rs;
  }
  await verifyBody(key, signed.signature, 'member', signed.body);
  if ((cokey === null) !== (signed.cosignature === null)) throw forbidden('This link has not the signatures of its kind.');
  if (cokey !== null && signed.cosignature !== null) await verifyBody(cokey, signed.cosignature, 'member', signed.body);
}

function checkStatement(chain: MemberChain | null, link: MemberLink): void {
  const { statement } = link;
  const { kind } = statement;
  if (kind === 0 || kind === 1 || kind === 4) {
    if (equal(statement.device, Z16)) throw forbidden('A device has an id of its own.');
    checkSigningPublicKey(statement.dk);
    const used = chain?.devices.some((entry) => equal(entry.device, statement.device) || equal(entry.dk, statement.dk)) ?? false;
    if (used) throw forbidden('A device and its key are new in every link.');
  }
  if (kind === 0 || kind === 3 || kind === 4) {
    checkSigningPublicKey(statement.rs);
    checkSealPublicKey(statement.rx);
  }
  if (chain === null) return;
  if (kind === 1 && activeDevices(chain).length >= MAX_DEVICES) throw forbidden(`A member has at most ${MAX_DEVICES} devices.`);
  if (kind === 2) {
    if (deviceAt(chain, statement.device) === null) throw forbidden('Only an active device is revoked.');
    // no member key could be signed on a head without devices, nor one in this request by the device that goes
    const remains = activeDevices(chain).length > 1 && !equal(link.device, statement.device);
    if (!remains) throw forbidden('Another active device must remain when one is revoked, and sign for it.');
  }
}

/**
 * Verifies the next link of a chain.
 * @param chain the state before, null for link 0
 * @returns the state after
 * @throws {ProtocolError} cbor/MALFORMED; member/CHAIN_CONFLICT for another number or hash before;
 *   member/FORBIDDEN for what its signer may not state; ed25519/FORBIDDEN for signatures
 */
export async function followMember(chain: MemberChain | null, signed: SignedLink): Promise<MemberChain> {
  const link = parseMemberLink(signed.body);
  const { statement } = link;
  const fits = chain === null
    ? link.n === 0 && equal(link.before, Z32)
    : equal(chain.member, link.member) && link.n === chain.n + 1 && equal(link.before, chain.hash);
  demand(fits, 'member', 'CHAIN_CONFLICT', 'This link does not follow the chain.');
  if ((statement.kind === 0) !== (chain === null)) throw forbidden('A chain has one first identity, at its beginning.');
  checkStatement(chain, link);
  await checkSignatures(chain, link, signed);
  return after(chain, link, await hBody('member', signed.body));
}

function after(chain: MemberChain | null, link: MemberLink, digest: Bytes): MemberChain {
  const { n, statement } = link;
  const ended = (entry: ChainDevice): ChainDevice => (entry.until === null ? { ...entry, until: n } : entry);
  let devices = chain?.devices ?? [];
  if (statement.kind === 4) devices = devices.map(ended);
  if (statement.kind === 2) devices = devices.map((entry) => (equal(entry.device, statement.device) ? ended(entry) : entry));
  if (statement.kind !== 2 && statement.kind !== 3) devices = [...devices, { device: statement.device, dk: statement.dk, since: n, until: null }];
  const isIdentity = statement.kind === 0 || statement.kind === 4;
  const named = isIdentity || statement.kind === 3 ? { rs: statement.rs, rx: statement.rx, rxN: n } : null;
  const recovery = named ?? (chain === null ? null : { rs: chain.rs, rx: chain.rx, rxN: chain.rxN });
  if (recovery === null) throw forbidden('A chain begins with an identity.');
  return {
    member: link.member,
    n,
    hash: digest,
    identity: isIdentity || chain === null ? digest : chain.identity,
    identities: isIdentity ? [...(chain?.identities ?? []), { n, hash: digest }] : (chain?.identities ?? []),
    hashes: [...(chain?.hashes ?? []), digest],
    devices,
    ...recovery,
    turned: statement.kind >= MemberKind.DEVICE_REVOKE ? n : (chain?.turned ?? 0),
  };
}

/**
 * Verifies a whole chain from link 0.
 * @param member whose chain it must be
 * @throws {ProtocolError} as {@link followMember}; member/CHAIN_CONFLICT too if there is no link
 */
export async function verifyMemberChain(member: Bytes, links: readonly SignedLink[]): Promise<MemberChain> {
  let chain: MemberChain | null = null;
  for (const link of links) chain = await followMember(chain, link);
  demand(chain !== null, 'member', 'CHAIN_CONFLICT', 'A chain has at least one link.');
  demand(equal(chain.member, member), 'member', 'CHAIN_CONFLICT', "This is another member's chain.");
  return chain;
}
