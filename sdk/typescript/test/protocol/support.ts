/** People with keys, for tests: each member has one device, a recovery key and a first member key. */
import {
  followMember,
  generateMemberSecrets,
  generateSigningKey,
  makeMemberKey,
  makeMemberLink,
  ProtocolError,
  randomBytes,
  recoveryKeys,
  toHex,
  verifyMemberKey,
  type Bytes,
  type Chains,
  type DeviceKey,
  type MemberChain,
  type MemberKey,
  type MemberKeys,
  type MemberSecrets,
  type ProtocolCode,
  type ProtocolLayer,
  type RecoveryKeys,
  type Signed,
  type SignedLink,
  type Signer,
} from '../../src/crypto/protocol';

export const NOW = 1_780_000_000_000;

export interface Person {
  readonly member: Bytes;
  readonly by: DeviceKey;
  readonly rk: Bytes;
  readonly recovery: RecoveryKeys;
  readonly links: readonly SignedLink[];
  readonly chain: MemberChain;
  readonly secrets: MemberSecrets;
  readonly signedKey: Signed;
  readonly key: MemberKey;
  readonly signer: Signer;
}

export async function person(): Promise<Person> {
  const [member, device, rk] = [randomBytes(16), randomBytes(16), randomBytes(32)];
  const recovery = await recoveryKeys(rk, member);
  const dk = await generateSigningKey();
  const by: DeviceKey = { member, device, dk };
  const statement = { kind: 0, device, dk: dk.publicKey, rs: recovery.rs.publicKey, rx: recovery.rx.publicKey } as const;
  const link = await makeMemberLink(null, member, statement, { device, key: dk, cosigner: recovery.rs }, NOW);
  const chain = await followMember(null, link);
  const secrets = await generateMemberSecrets(member, 1);
  const signedKey = await makeMemberKey(chain, secrets, by, NOW);
  const key = await verifyMemberKey(chain, signedKey);
  const signer = { member, device, n: chain.n, hash: chain.hash };
  return { member, by, rk, recovery, links: [link], chain, secrets, signedKey, key, signer };
}

export function chainsOf(...people: readonly Person[]): Chains {
  const known = new Map(people.map((one) => [toHex(one.member), one.chain]));
  return (member) => known.get(toHex(member));
}

export function keysOf(...people: readonly Person[]): MemberKeys {
  const known = new Map(people.map((one) => [toHex(one.member), one.key]));
  return (member, generation) => {
    const key = known.get(toHex(member));
    return generation === null || key?.generation === generation ? key : undefined;
  };
}

export interface Refused {
  readonly layer: ProtocolLayer;
  readonly code: ProtocolCode;
}

/** What a promise or function was refused with; fails the test if it was not, or by another error. */
export async function refusal(run: () => unknown): Promise<Refused> {
  try {
    await run();
  } catch (error) {
    if (error instanceof ProtocolError) return { layer: error.layer, code: error.code };
    throw error;
  }
  throw new Error('It was accepted.');
}

export function flip(bytes: Bytes, bit: number): Bytes {
  const out = bytes.slice();
  const at = Math.floor(bit / 8) % out.length;
  out[at] = (out[at] ?? 0) ^ (1 << bit % 8);
  return out;
}
