/** Makes a member: recovery key, device, first link, first key, and all that signing up sends (e2ee.md sections 3, 4, 8). */
import { inviteMac, parseJoinFragment } from '../protocol/invite';
import { Z16, toHex, type Bytes } from '../protocol/bytes';
import { followMember, makeMemberLink, MemberKind } from '../protocol/member';
import { generateMemberSecrets, makeDeviceSeal, makeMemberKey, sealMemberBox } from '../protocol/memberKey';
import { generateSealKey, generateSigningKey, randomBytes } from '../protocol/primitives';
import { makeRosterLink, NO_EPOCH, Role, SpaceType } from '../protocol/roster';
import { recoveryKeys, wordsFromEntropy } from '../protocol/words';
import type { NewAccount } from '../keeper';
import type { Keyring } from './keyring';
import { newId } from './maker';
import type { LinkBytes, MemberLinkBytes } from './wire';
import { Wraps } from './wraps';

export interface MadeAccount {
  keyring: Keyring;
  account: Omit<NewAccount, 'wrapped'>;
  link: MemberLinkBytes;
  memberKey: LinkBytes;
  /** The ID that the join link pins for its maker. */
  inviterIdentity: Bytes | null;
}

/** Throws a ProtocolError for a damaged join link. The recovery key leaves as words and is forgotten here. */
export async function makeAccount(fragment: string): Promise<MadeAccount> {
  const join = parseJoinFragment(fragment);
  const member = newId();
  const device = newId();
  const now = Date.now();
  const rk = randomBytes(32);
  const { rs, rx } = await recoveryKeys(rk, member);
  const dk = await generateSigningKey();
  const sk = await generateSealKey();
  const by = { member, device, dk };
  const statement = { kind: MemberKind.IDENTITY, device, dk: dk.publicKey, rs: rs.publicKey, rx: rx.publicKey };
  const link = await makeMemberLink(null, member, statement, { device, key: dk, cosigner: rs }, now);
  const chain = await followMember(null, link);
  const secrets = await generateMemberSecrets(member, 1);
  const memberKey = await makeMemberKey(chain, secrets, by, now);
  const seat = { member, identity: chain.identity, role: Role.OWNER };
  const signer = { member, device, n: chain.n, hash: chain.hash };
  const create = { kind: 0 as const, type: SpaceType.ACCOUNT, seats: [seat], policy: { lifetime: 0, shared: false } };
  const account: Omit<NewAccount, 'wrapped'> = {
    words: [...wordsFromEntropy(rk)],
    member: toHex(member),
    device: toHex(device),
    invite: join.token,
    mac: join.pin === null ? null : await inviteMac(join.pin.secret, join.token, join.pin.inviter, chain.identity),
    identity: link,
    deviceSeal: await makeDeviceSeal(by, 1, sk.publicKey, now),
    memberKey,
    boxes: [
      { device, box: await sealMemberBox(sk.publicKey, { device, number: 1 }, secrets) },
      { device: Z16, box: await sealMemberBox(rx.publicKey, { device: null, number: chain.rxN }, secrets) },
    ],
    account: await makeRosterLink({ space: newId(), head: null, epoch: NO_EPOCH }, create, signer, dk, now),
  };
  rk.fill(0);
  const keyring: Keyring = { member: toHex(member), memberBytes: member, device: by, sk: { k: 1, key: sk, at: now }, secrets, older: [], next: null, wraps: new Wraps() };
  return { keyring, account, link, memberKey, inviterIdentity: join.pin?.inviter ?? null };
}
