import { beforeAll, describe, expect, it } from 'vitest';
import {
  activeDevices,
  checkMemberPin,
  demandLiving,
  deviceAt,
  equal,
  followMember,
  generateMemberSecrets,
  generateSealKey,
  generateSigningKey,
  makeDeviceSeal,
  makeMemberKey,
  makeMemberLink,
  openMemberBox,
  randomBytes,
  recoveryKeys,
  sealMemberBox,
  signerAt,
  toHex,
  unwrapArchive,
  verifyDeviceSeal,
  verifyMemberChain,
  verifyMemberKey,
  wrapArchive,
  Z16,
  type MemberChain,
  type MemberStatement,
} from '../../src/crypto/protocol';
import { NOW, person, refusal, type Person } from './support';

describe('a member chain', () => {
  let ada: Person;
  let bob: Person;
  beforeAll(async () => {
    [ada, bob] = await Promise.all([person(), person()]);
  });

  function by(who: Person): { device: typeof who.by.device; key: typeof who.by.dk } {
    return { device: who.by.device, key: who.by.dk };
  }

  async function withSecond(): Promise<{ chain: MemberChain; device: typeof ada.member; dk: typeof ada.by.dk }> {
    const [device, dk] = [randomBytes(16), await generateSigningKey()];
    const link = await makeMemberLink(ada.chain, ada.member, { kind: 1, device, dk: dk.publicKey }, by(ada), NOW);
    return { chain: await followMember(ada.chain, link), device, dk };
  }

  it('is its ID, device and recovery keys', () => {
    expect(toHex(ada.chain.identity)).toBe(toHex(ada.chain.hash));
    expect(activeDevices(ada.chain)).toHaveLength(1);
    expect(ada.chain).toMatchObject({ n: 0, rxN: 0, turned: 0 });
    expect(toHex(ada.chain.rs)).toBe(toHex(ada.recovery.rs.publicKey));
  });

  it('adds, revokes and recovers, and every key of before stops living', async () => {
    const second = await withSecond();
    expect(second.chain.turned).toBe(0);
    demandLiving(second.chain, ada.key);
    const revoke = await makeMemberLink(second.chain, ada.member, { kind: 2, device: ada.by.device }, { device: second.device, key: second.dk }, NOW);
    const revoked = await followMember(second.chain, revoke);
    expect(deviceAt(revoked, ada.by.device)).toBeNull();
    expect(deviceAt(revoked, ada.by.device, 1)).not.toBeNull();
    expect(revoked.turned).toBe(2);
    expect(await refusal(() => { demandLiving(revoked, ada.key); })).toEqual({ layer: 'member', code: 'FORBIDDEN' });
    const fresh = await recoveryKeys(randomBytes(32), ada.member);
    const statement = { kind: 3, rs: fresh.rs.publicKey, rx: fresh.rx.publicKey } as const;
    const signers = { device: second.device, key: second.dk, cosigner: fresh.rs };
    const recovered = await followMember(revoked, await makeMemberLink(revoked, ada.member, statement, signers, NOW));
    expect(recovered).toMatchObject({ n: 3, rxN: 3, turned: 3 });
    expect(equal(recovered.identity, ada.chain.identity)).toBe(true);
  });

  it('resets to a new ID and ends all earlier devices', async () => {
    const [device, dk] = [randomBytes(16), await generateSigningKey()];
    const fresh = await recoveryKeys(randomBytes(32), ada.member);
    const statement = { kind: 4, device, dk: dk.publicKey, rs: fresh.rs.publicKey, rx: fresh.rx.publicKey } as const;
    const link = await makeMemberLink(ada.chain, ada.member, statement, { device, key: dk, cosigner: fresh.rs }, NOW);
    const reset = await followMember(ada.chain, link);
    expect(equal(reset.identity, ada.chain.identity)).toBe(false);
    expect(activeDevices(reset).map((entry) => toHex(entry.device))).toEqual([toHex(device)]);
    expect(equal(signerAt(reset, ada.member, ada.by.device, ada.chain).identity, ada.chain.identity)).toBe(true);
    expect(await refusal(() => signerAt(reset, ada.member, ada.by.device, reset))).toEqual({ layer: 'member', code: 'FORBIDDEN' });
    const whole = await verifyMemberChain(ada.member, [...ada.links, link]);
    expect(whole).toEqual(reset);
  });

  it('takes a device added by the recovery key, and no recovery link by it', async () => {
    const dk = await generateSigningKey();
    const add: MemberStatement = { kind: 1, device: randomBytes(16), dk: dk.publicKey };
    const rs = { device: Z16, key: ada.recovery.rs };
    expect((await followMember(ada.chain, await makeMemberLink(ada.chain, ada.member, add, rs, NOW))).n).toBe(1);
    const fresh = await recoveryKeys(randomBytes(32), ada.member);
    const replace: MemberStatement = { kind: 3, rs: fresh.rs.publicKey, rx: fresh.rx.publicKey };
    const link = await makeMemberLink(ada.chain, ada.member, replace, { ...rs, cosigner: fresh.rs }, NOW);
    expect(await refusal(() => followMember(ada.chain, link))).toEqual({ layer: 'member', code: 'FORBIDDEN' });
  });

  it('refuses what its signer may not state', async () => {
    const second = await withSecond();
    const other = await generateSigningKey();
    const fresh = randomBytes(16);
    const cases: [MemberStatement, { device: typeof fresh; key: typeof other }, string][] = [
      [{ kind: 1, device: fresh, dk: other.publicKey }, { device: fresh, key: other }, 'member'],
      [{ kind: 1, device: fresh, dk: other.publicKey }, { device: second.device, key: other }, 'ed25519'],
      [{ kind: 1, device: second.device, dk: other.publicKey }, by(ada), 'member'],
      [{ kind: 1, device: fresh, dk: second.dk.publicKey }, by(ada), 'member'],
      [{ kind: 1, device: Z16, dk: other.publicKey }, by(ada), 'member'],
      [{ kind: 2, device: fresh }, by(ada), 'member'],
      [{ kind: 2, device: ada.by.device }, by(ada), 'member'],
    ];
    for (const [statement, signer, layer] of cases) {
      const link = await makeMemberLink(second.chain, ada.member, statement, signer, NOW);
      expect(await refusal(() => followMember(second.chain, link))).toEqual({ layer, code: 'FORBIDDEN' });
    }
    const gap = await makeMemberLink(second.chain, ada.member, { kind: 2, device: second.device }, by(ada), NOW);
    expect(await refusal(() => followMember(ada.chain, gap))).toEqual({ layer: 'member', code: 'CHAIN_CONFLICT' });
    expect(await refusal(() => followMember(bob.chain, gap))).toEqual({ layer: 'member', code: 'CHAIN_CONFLICT' });
    expect(await refusal(() => verifyMemberChain(bob.member, ada.links))).toEqual({ layer: 'member', code: 'CHAIN_CONFLICT' });
    expect(await refusal(() => verifyMemberChain(ada.member, []))).toEqual({ layer: 'member', code: 'CHAIN_CONFLICT' });
    const [first] = ada.links;
    if (first === undefined) throw new Error('There is a link.');
    expect(await refusal(() => followMember(null, { ...first, cosignature: null }))).toEqual({ layer: 'member', code: 'FORBIDDEN' });
  });

  it('compares with its pin', async () => {
    const second = await withSecond();
    checkMemberPin(second.chain, ada.chain);
    const fork = { layer: 'member', code: 'FORK' };
    expect(await refusal(() => { checkMemberPin(ada.chain, second.chain); })).toEqual(fork);
    expect(await refusal(() => { checkMemberPin(second.chain, { n: 0, hash: bob.chain.hash }); })).toEqual(fork);
  });

  it('holds keys, seals and boxes to their places', async () => {
    const sk = await generateSealKey();
    const signed = await makeDeviceSeal(ada.by, 1, sk.publicKey, NOW);
    const first = await verifyDeviceSeal(ada.member, ada.by.device, ada.by.dk.publicKey, signed);
    const later = await verifyDeviceSeal(ada.member, ada.by.device, ada.by.dk.publicKey, await makeDeviceSeal(ada.by, 2, sk.publicKey, NOW), first);
    expect(await refusal(() => verifyDeviceSeal(ada.member, ada.by.device, ada.by.dk.publicKey, signed, later))).toEqual({ layer: 'member', code: 'FORK' });
    expect(await refusal(() => verifyDeviceSeal(ada.member, bob.by.device, ada.by.dk.publicKey, signed))).toEqual({ layer: 'member', code: 'FORBIDDEN' });

    const place = { device: ada.by.device, number: 1 };
    const box = await sealMemberBox(sk.publicKey, place, ada.secrets);
    expect(toHex((await openMemberBox(sk, place, ada.key, box)).ak)).toBe(toHex(ada.secrets.ak));
    const refused = { layer: 'seal', code: 'BAD_SEAL' };
    expect(await refusal(() => openMemberBox(sk, { ...place, number: 2 }, ada.key, box))).toEqual(refused);
    const foreign = { ...bob.secrets, member: ada.member, mkHash: ada.secrets.mkHash };
    const bad = await sealMemberBox(sk.publicKey, place, foreign);
    expect(await refusal(() => openMemberBox(sk, place, ada.key, bad))).toEqual(refused);
    const recovery = await sealMemberBox(ada.recovery.rx.publicKey, { device: null, number: 0 }, ada.secrets);
    expect(toHex((await openMemberBox(ada.recovery.rx, { device: null, number: 0 }, ada.key, recovery)).m)).toBe(toHex(ada.secrets.m));
  });

  it('refuses member keys of another member, another link or a lower generation', async () => {
    const next = await verifyMemberKey(ada.chain, await makeMemberKey(ada.chain, await generateMemberSecrets(ada.member, 2), ada.by, NOW), ada.key);
    expect(next.generation).toBe(2);
    expect(await refusal(() => verifyMemberKey(ada.chain, ada.signedKey, next))).toEqual({ layer: 'member', code: 'FORK' });
    expect(await refusal(() => verifyMemberKey(bob.chain, ada.signedKey))).toEqual({ layer: 'member', code: 'FORBIDDEN' });
    const second = await withSecond();
    const ahead = await makeMemberKey(second.chain, ada.secrets, ada.by, NOW);
    expect(await refusal(() => verifyMemberKey(ada.chain, ahead))).toEqual({ layer: 'member', code: 'CHAIN_CONFLICT' });
    const zero = await makeMemberKey(ada.chain, await generateMemberSecrets(ada.member, 0), ada.by, NOW);
    expect(await refusal(() => verifyMemberKey(ada.chain, zero))).toEqual({ layer: 'member', code: 'FORBIDDEN' });
  });

  it('wraps archive keys from generation to generation', async () => {
    const next = await generateMemberSecrets(ada.member, 2);
    const wrapped = await wrapArchive(next, ada.secrets);
    expect(toHex(await unwrapArchive(next.ak, ada.member, 1, wrapped))).toBe(toHex(ada.secrets.ak));
    const refused = { layer: 'wrap', code: 'UNREADABLE' };
    expect(await refusal(() => unwrapArchive(next.ak, ada.member, 2, wrapped))).toEqual(refused);
    expect(await refusal(() => unwrapArchive(next.ak, bob.member, 1, wrapped))).toEqual(refused);
    expect(await refusal(() => unwrapArchive(ada.secrets.ak, ada.member, 1, wrapped))).toEqual(refused);
  });
});
