/**
 * A new device of a member who has others, or had: let in by a linked one, by the recovery key, or by a reset (e2ee.md
 * section 8). What it needs to go on after a crash is in its store before anything is sent.
 */
import { CircleFailure } from '../../errors';
import type { Entry, KeyBox, Newcomer, OfferBytes, RecoveryBytes, RotationBytes } from '../deviceKeeper';
import { asBytes, equal, fromHex, toHex, Z16, type Bytes } from '../protocol/bytes';
import { ProtocolError } from '../protocol/errors';
import { hBody } from '../protocol/labels';
import { generateLinkKey, linkId, linkQr, linkWords, makeLinkRequest, verifyLinkAnswer } from '../protocol/linking';
import { deviceAt, followMember, makeMemberLink, MemberKind, verifyMemberChain, type MemberChain } from '../protocol/member';
import {
  demandLiving, generateMemberSecrets, makeDeviceSeal, makeMemberKey, memberSecrets, openMemberBox, sealMemberBox, verifyMemberKey, type MemberKey,
  type MemberSecrets,
} from '../protocol/memberKey';
import { generateSealKey, generateSigningKey, randomBytes, sealKeyFromSeed, signingKeyFromSeed, type SealKey } from '../protocol/primitives';
import type { DeviceKey, Head } from '../protocol/signer';
import { entropyFromWords, recoveryKeys, wordsFromEntropy, type RecoveryKeys } from '../protocol/words';
import type { Keyring } from './keyring';
import { newId } from './maker';
import type { Identity, LinkBytes } from './wire';
import { Wraps } from './wraps';

type How =
  | { how: 'link'; key: Bytes; offer: OfferBytes }
  | { how: 'recovery'; secret: Bytes; request: RecoveryBytes }
  | { how: 'reset'; secret: Bytes; request: RotationBytes };

/** As it lies in the store until the device is in. */
export type StoredNewcomer = { member: string; device: string; dk: Bytes; sk: Bytes; at: number } & How;

/** A device before it is of its member's chain: DK, SK of k = 1 and its seal. */
export interface Parts {
  readonly by: DeviceKey;
  readonly sk: SealKey;
  readonly seal: LinkBytes;
  readonly at: number;
}

export async function makeParts(member: string): Promise<Parts> {
  const at = Date.now();
  const by: DeviceKey = { member: fromHex(member), device: newId(), dk: await generateSigningKey() };
  const sk = await generateSealKey();
  return { by, sk, seal: await makeDeviceSeal(by, 1, sk.publicKey, at), at };
}

function stored({ by, sk, at }: Parts, how: How): StoredNewcomer {
  return { member: toHex(by.member), device: toHex(by.device), dk: by.dk.seed, sk: sk.seed, at, ...how };
}

/** How a newcomer is shown to the engine: nothing secret but the code, which is on the screen. */
export function newcomerOf(one: StoredNewcomer): Newcomer {
  const { device } = one;
  switch (one.how) {
    case 'link':
      return { how: 'link', device, offer: one.offer };
    case 'recovery':
      return { how: 'recovery', device, request: one.request };
    case 'reset':
      return { how: 'reset', device, request: one.request };
  }
}

// ---- by a linked device

export async function offer(parts: Parts): Promise<StoredNewcomer & { how: 'link' }> {
  const { by, seal } = parts;
  const key = generateLinkKey();
  const { body, mac } = await makeLinkRequest(key, { member: by.member, device: by.device, dk: by.dk.publicKey, deviceSeal: seal });
  const made: OfferBytes = { linkId: await linkId(key), request: body, mac, words: [...linkWords(key)], qr: linkQr(key) };
  return { ...stored(parts, { how: 'link', key, offer: made }), how: 'link', key, offer: made };
}

// ---- by the recovery key

/** Throws BAD_WORDS, WRONG_RECOVERY_KEY, UNTRUSTED. */
export async function recover(parts: Parts, words: readonly string[], identity: Identity, recoveryBox: KeyBox): Promise<StoredNewcomer & { how: 'recovery' }> {
  const { by, sk, seal } = parts;
  const entropy = entropyFromWords(words, 24);
  const { rs, rx } = await recoveryKeys(entropy, by.member);
  entropy.fill(0);
  const { chain, key } = await verified(by.member, identity);
  if (!equal(rs.publicKey, chain.rs) || !equal(rx.publicKey, chain.rx)) {
    throw new CircleFailure('WRONG_RECOVERY_KEY', 'These are the words of another recovery key, or of one that was replaced.');
  }
  const { secrets, link } = await trusting(async () => {
    const opened = await openMemberBox(rx, { device: null, number: chain.rxN }, key, recoveryBox.box);
    const added = await makeMemberLink(chain, by.member, { kind: MemberKind.DEVICE_ADD, device: by.device, dk: by.dk.publicKey }, { device: Z16, key: rs }, Date.now());
    await followMember(chain, added);
    return { secrets: opened, link: added };
  });
  const box = await sealMemberBox(sk.publicKey, { device: by.device, number: 1 }, secrets);
  const request: RecoveryBytes = { link, seal, box, generation: secrets.generation };
  return { ...stored(parts, { how: 'recovery', secret: secrets.m, request }), how: 'recovery', secret: secrets.m, request };
}

// ---- by a new identity

/** A recovery key on its way to paper. */
export interface NewRecoveryKey {
  readonly words: string[];
  readonly keys: RecoveryKeys;
}

export async function makeRecoveryKey(member: Bytes): Promise<NewRecoveryKey> {
  const entropy = randomBytes(32);
  const made = { words: [...wordsFromEntropy(entropy)], keys: await recoveryKeys(entropy, member) };
  entropy.fill(0);
  return made;
}

/** The reset of the identity on the chain as it is now (section 4, kind 4), and the first member key of the new one. */
export async function reset(parts: Parts, { rs, rx }: RecoveryKeys, identity: Identity): Promise<StoredNewcomer & { how: 'reset' }> {
  const { by, sk, seal } = parts;
  const now = Date.now();
  const { chain, key } = await verified(by.member, identity);
  const statement = { kind: MemberKind.IDENTITY_RESET, device: by.device, dk: by.dk.publicKey, rs: rs.publicKey, rx: rx.publicKey };
  const link = await makeMemberLink(chain, by.member, statement, { device: by.device, key: by.dk, cosigner: rs }, now);
  const after = await followMember(chain, link);
  const secrets = await generateMemberSecrets(by.member, key.generation + 1);
  const request: RotationBytes = {
    link,
    seal,
    memberKey: await makeMemberKey(after, secrets, by, now),
    boxes: [
      { device: by.device, seal: 1, box: await sealMemberBox(sk.publicKey, { device: by.device, number: 1 }, secrets) },
      { device: Z16, seal: null, box: await sealMemberBox(rx.publicKey, { device: null, number: after.rxN }, secrets) },
    ],
    archive: null,
    grants: null,
    wraps: [],
  };
  return { ...stored(parts, { how: 'reset', secret: secrets.m, request }), how: 'reset', secret: secrets.m, request };
}

// ---- being in

export interface Entered {
  readonly keyring: Keyring;
  /** Where the account's log stood when a linked device let this one in; null without one. */
  readonly account: Head | null;
}

/** The keys of a device that the chain names, with M of the newest generation. Throws NOT_LET_IN, BAD_LINK, FORK, UNTRUSTED. */
export async function enter(one: StoredNewcomer, { identity, keyBox, answer, account }: Entry): Promise<Entered> {
  const member = fromHex(one.member);
  const device = fromHex(one.device);
  const dk = await signingKeyFromSeed(asBytes(one.dk));
  const sk = await sealKeyFromSeed(asBytes(one.sk));
  const given = one.how === 'link' && answer !== null ? await verifyLinkAnswer(asBytes(one.key), one.offer.request, answer) : null;
  const { chain, key } = await verified(member, identity);
  if (given !== null) {
    const isFork = !holds(chain, given.chain) || account.head < given.account.n || (account.head === given.account.n && !equal(account.headHash, given.account.hash));
    if (isFork) throw new CircleFailure('FORK', 'The server shows another state of this account than the device that let this one in has. Do not trust it.');
  }
  const entry = deviceAt(chain, device);
  if (!entry || (one.how === 'link' && given === null)) throw new CircleFailure('NOT_LET_IN', 'This device is not among those of the account yet.');
  if (!equal(entry.dk, dk.publicKey)) throw untrusted('It shows other keys for this device.');
  if (one.how !== 'link' && one.request.link !== null) await demandOwnLink(chain, one.request.link);
  const secrets = await secretsFor(one, sk, device, key, given?.box ?? null, keyBox);
  const keyring: Keyring = { member: one.member, memberBytes: member, device: { member, device, dk }, sk: { k: 1, key: sk, at: one.at }, secrets, older: [], next: null, wraps: new Wraps() };
  return { keyring, account: given?.account ?? null };
}

function holds(chain: MemberChain, head: Head): boolean {
  const hash = chain.hashes[head.n];
  return hash !== undefined && equal(hash, head.hash);
}

/** The chain that this device has signed on is the one that the server shows. */
async function demandOwnLink(chain: MemberChain, link: LinkBytes): Promise<void> {
  const hash = await hBody('member', link.body);
  if (!chain.hashes.some((one) => equal(one, hash))) throw untrusted('It shows another history of the account than the one that was there before.');
}

/** M of the newest key: the one this device has made or been given, or that of a rotation since. */
async function secretsFor(one: StoredNewcomer, sk: SealKey, device: Bytes, key: MemberKey, box: Bytes | null, keyBox: KeyBox | null): Promise<MemberSecrets> {
  if (one.how !== 'link') {
    const own = await memberSecrets(key.member, key.generation, asBytes(one.secret));
    if (equal(own.mkHash, key.mkHash)) return own;
  }
  const place = { device, number: 1 };
  const boxes = [box, keyBox !== null && keyBox.generation === key.generation ? keyBox.box : null].filter((found) => found !== null);
  for (const found of boxes) {
    const opened = await openMemberBox(sk, place, key, found).catch(() => null);
    if (opened !== null) return opened;
  }
  throw untrusted("The account's key for this device does not open.");
}

// ---- what the server tells of the own chain

async function verified(member: Bytes, identity: Identity): Promise<{ chain: MemberChain; key: MemberKey }> {
  return trusting(async () => {
    const chain = await verifyMemberChain(member, identity.links);
    const key = await verifyMemberKey(chain, identity.key);
    demandLiving(chain, key);
    return { chain, key };
  });
}

function untrusted(what: string): CircleFailure {
  return new CircleFailure('UNTRUSTED', `What the server shows of this account does not verify. ${what}`);
}

async function trusting<T>(task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    if (error instanceof ProtocolError) throw untrusted(error.message);
    throw error;
  }
}
