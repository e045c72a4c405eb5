/** Member keys, device seals and boxes (e2ee.md sections 2 to 4 and 8): how a member's devices share M. */
import { equal, Z16, type Bytes } from './bytes';
import { bytes, encode, fields, read, struct, uint } from './cbor';
import { demand } from './errors';
import { kdf, openSeal, seal as sealTo, signBody, verifyBody } from './labels';
import { signerAt, type MemberChain } from './member';
import { checkSealPublicKey, randomBytes, SEAL_PUBLIC_LENGTH, sealKeyFromSeed, sha256, type SealKey } from './primitives';
import { BODY_CAP, head, id, SUITE, suite, time, type DeviceKey, type Head, type Signed } from './signer';

/** M of one generation and what it gives: MK opens seals, AK keeps B_0 and the archive keys before. */
export interface MemberSecrets {
  readonly member: Bytes;
  readonly generation: number;
  readonly m: Bytes;
  readonly mk: SealKey;
  readonly ak: Bytes;
  /** #MK */
  readonly mkHash: Bytes;
}

/** The keys of a generation's M. */
export async function memberSecrets(member: Bytes, generation: number, m: Bytes): Promise<MemberSecrets> {
  const mk = await sealKeyFromSeed(await kdf(m, null, 'member-seed', [member, generation], 32));
  const ak = await kdf(m, null, 'archive', [member, generation], 32);
  return { member, generation, m, mk, ak, mkHash: await sha256(mk.publicKey) };
}

/** A fresh M of a generation (1 at sign-up). */
export function generateMemberSecrets(member: Bytes, generation: number): Promise<MemberSecrets> {
  return memberSecrets(member, generation, randomBytes(32));
}

/** A verified, signed MK. */
export interface MemberKey {
  readonly member: Bytes;
  readonly generation: number;
  readonly mk: Bytes;
  /** The chain's head that it was made on. */
  readonly head: Head;
  readonly device: Bytes;
  readonly time: number;
  /** #MK */
  readonly mkHash: Bytes;
}

/** What is known of a member's newest key: at least its generation. */
export interface KnownKey {
  readonly generation: number;
  readonly mkHash?: Bytes;
}

/** Signs MK of `secrets` on the chain's head, by a device active there. */
export async function makeMemberKey(chain: MemberChain, secrets: MemberSecrets, by: DeviceKey, now: number): Promise<Signed> {
  const body = encode(struct(SUITE, secrets.member, secrets.generation, secrets.mk.publicKey, [chain.n, chain.hash], by.device, now));
  return { body, signature: await signBody(by.dk, 'member-key', body) };
}

const memberKeyFields = fields(suite, id, uint(), bytes(SEAL_PUBLIC_LENGTH), head, id, time);

/**
 * Reads a member key's body; says nothing about its signature. Boxes can be opened with it, for M proves MK.
 * @throws {ProtocolError} cbor/MALFORMED
 */
export async function parseMemberKey(body: Bytes): Promise<MemberKey> {
  demand(body.length <= BODY_CAP, 'cbor', 'MALFORMED', 'This member key is too long.');
  const [, member, generation, mk, on, device, at] = read(body, memberKeyFields);
  return { member, generation, mk, head: on, device, time: at, mkHash: await sha256(mk) };
}

/**
 * Verifies a member key against its chain.
 * @param chain at least as long as the head that the key names
 * @param before the newest key of this member known so far: a lower g, or another key of the same g, is a fork
 * @throws {ProtocolError} cbor/MALFORMED; seal/MALFORMED for an MK that is no key; member/CHAIN_CONFLICT if the
 *   chain is shorter; member/FORBIDDEN; member/FORK; ed25519/FORBIDDEN
 */
export async function verifyMemberKey(chain: MemberChain, signed: Signed, before: KnownKey | null = null): Promise<MemberKey> {
  const key = await parseMemberKey(signed.body);
  demand(key.generation >= 1, 'member', 'FORBIDDEN', 'Generations begin at 1.');
  const signer = signerAt(chain, key.member, key.device, key.head);
  checkSealPublicKey(key.mk);
  await verifyBody(signer.dk, signed.signature, 'member-key', signed.body);
  if (before !== null) {
    const same = key.generation === before.generation && (before.mkHash === undefined || equal(key.mkHash, before.mkHash));
    demand(same || key.generation > before.generation, 'member', 'FORK', 'The server shows an older key of this member than before.');
  }
  return key;
}

/** Whether a key still lives: no link of kind 2, 3 or 4 follows the head it was made on (section 4). */
export function isLiving(chain: MemberChain, key: MemberKey): boolean {
  return key.head.n >= chain.turned;
}

/**
 * The key to seal to: verified, and living.
 * @throws {ProtocolError} member/FORBIDDEN if it does not live any more
 */
export function demandLiving(chain: MemberChain, key: MemberKey): void {
  demand(isLiving(chain, key), 'member', 'FORBIDDEN', 'This member key is of before a revocation.');
}

// ---- device seals: SK of a device, signed by its DK

export interface DeviceSeal {
  readonly member: Bytes;
  readonly device: Bytes;
  readonly k: number;
  readonly sk: Bytes;
  readonly time: number;
}

/** Publishes SK of number k (1 at first, k + 1 after each rotation). */
export async function makeDeviceSeal(by: DeviceKey, k: number, sk: Bytes, now: number): Promise<Signed> {
  const body = encode(struct(SUITE, by.member, by.device, k, sk, now));
  return { body, signature: await signBody(by.dk, 'device-seal', body) };
}

const deviceSealFields = fields(suite, id, id, uint(), bytes(SEAL_PUBLIC_LENGTH), time);

/**
 * Reads a device seal's body; says nothing about its signature.
 * @throws {ProtocolError} cbor/MALFORMED
 */
export function parseDeviceSeal(body: Bytes): DeviceSeal {
  demand(body.length <= BODY_CAP, 'cbor', 'MALFORMED', 'This device seal is too long.');
  const [, member, device, k, sk, at] = read(body, deviceSealFields);
  return { member, device, k, sk, time: at };
}

/** What is known of a device's newest seal: at least its number. */
export interface KnownSeal {
  readonly k: number;
  readonly sk?: Bytes;
}

/**
 * Verifies a device's seal.
 * @param dk the device's signing key, from its chain or (while it is being added) from its link
 * @param before the newest seal of this device known so far: a lower k, or another SK of the same k, is a fork
 * @throws {ProtocolError} cbor/MALFORMED; seal/MALFORMED; member/FORBIDDEN; member/FORK; ed25519/FORBIDDEN
 */
export async function verifyDeviceSeal(member: Bytes, device: Bytes, dk: Bytes, signed: Signed, before: KnownSeal | null = null): Promise<DeviceSeal> {
  const seal = parseDeviceSeal(signed.body);
  demand(equal(seal.member, member) && equal(seal.device, device), 'member', 'FORBIDDEN', 'This is the seal of another device.');
  const older = seal.k < (before?.k ?? 1);
  const other = before?.sk !== undefined && seal.k === before.k && !equal(seal.sk, before.sk);
  demand(!older && !other, 'member', 'FORK', 'The server shows an older seal of this device than before.');
  checkSealPublicKey(seal.sk);
  await verifyBody(dk, signed.signature, 'device-seal', signed.body);
  return seal;
}

// ---- boxes: M for one device, or for the recovery key

/** Where a box goes: a device's SK with its k, or RX (device null) with the n of its link. */
export interface BoxPlace {
  readonly device: Bytes | null;
  readonly number: number;
}

function boxInfo(member: Bytes, generation: number, place: BoxPlace, mkHash: Bytes): (Bytes | number)[] {
  return [member, generation, place.device ?? Z16, place.number, mkHash];
}

/** SEAL(SK or RX, member-box, [member, g, device or Z16, k or n of RX's link, #MK], M). */
export function sealMemberBox(publicKey: Bytes, place: BoxPlace, secrets: MemberSecrets): Promise<Bytes> {
  return sealTo(publicKey, 'member-box', boxInfo(secrets.member, secrets.generation, place, secrets.mkHash), secrets.m);
}

/**
 * Opens a box and takes M only if the signed MK comes from it (section 8).
 * @param key the device's SK of number k, or RX
 * @param memberKey the verified key of that generation
 * @throws {ProtocolError} seal/BAD_SEAL if it does not open, or holds another M than the signed one
 */
export async function openMemberBox(key: SealKey, place: BoxPlace, memberKey: MemberKey, box: Bytes): Promise<MemberSecrets> {
  const info = boxInfo(memberKey.member, memberKey.generation, place, memberKey.mkHash);
  const m = await openSeal(key, 'member-box', info, box);
  demand(m.length === 32, 'seal', 'BAD_SEAL', 'This box holds no member key.');
  const secrets = await memberSecrets(memberKey.member, memberKey.generation, m);
  demand(equal(secrets.mkHash, memberKey.mkHash), 'seal', 'BAD_SEAL', 'This box holds another key than the signed one.');
  return secrets;
}
