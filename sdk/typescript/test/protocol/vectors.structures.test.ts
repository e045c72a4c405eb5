import { describe, expect, it } from 'vitest';
import {
  activeDevices,
  checkRecipients,
  decode,
  encode,
  expectedRecipients,
  followMember,
  followRoster,
  isLiving,
  nextHash,
  openEnvelope,
  openEpoch,
  openGrant,
  openMemberBox,
  ownRow,
  parseAnnouncement,
  parseComplaint,
  parseEnvelope,
  sealEnvelope,
  sealKeyFromSeed,
  sha256,
  signingKeyFromSeed,
  toHex,
  verifyAnnouncement,
  verifyDeviceSeal,
  verifyEnvelope,
  verifyMemberKey,
  Z16,
  type Content,
  type MemberChain,
  type MemberKey,
  type Roster,
} from '../../src/crypto/protocol';
import { anyMap } from '../../src/crypto/protocol/cbor';
import { hBody, verifyBody } from '../../src/crypto/protocol/labels';
import { parseMemberKey } from '../../src/crypto/protocol/memberKey';
import {
  b,
  chainOfJson,
  chainsOfJson,
  headOf,
  hexes,
  linkOf,
  load,
  rosterOfJson,
  signedOf,
  signerOf,
  type ChainJson,
  type HeadJson,
  type HeaderJson,
  type RosterJson,
  type SignedJson,
  type SignerJson,
} from './vectors';

interface MemberCase {
  chain: ChainJson;
  states: { n: number; hash: string; identity: string; rs: string; rx: string; rxN: number; devices: Record<string, string>; keyFloor: number }[];
  keys: { key: SignedJson; generation: number; n: number; keyHash: string; hash: string; living: boolean }[];
}

interface MemberKeyCase {
  deviceSeals: { seal: SignedJson; dk: string; member: string; device: string; generation: number; key: string; seed: string }[];
  boxes: { box: string; seed: string; memberKey: string; device: string; k: number; secret: string; mkSeed: string; mk: string; archive: string }[];
}

interface RosterCase extends RosterJson {
  chains: ChainJson[];
  states: { n: number; hash: string; type: number; lifetime: number; shared: boolean; seats: [string, string, number][]; joined: Record<string, number> }[];
}

interface EpochCase {
  announcement: SignedJson; recipients: string; roster: RosterJson; previous: HeadJson; chains: ChainJson[]; hash: string;
  commits: string[]; branches: string[]; keys: SignedJson[];
  members: { member: string; mkSeed: string; generation: number; seal: string; row: string }[];
}

interface ComplaintCase {
  complaint: SignedJson; dk: string; space: string; epoch: HeadJson; sealHash: string; signer: SignerJson; time: number; hash: string;
}

interface GrantCase {
  sealed: string; space: string; member: string; generation: number; mkSeed: string; mk: string; announcements: string[];
  entries: [number, number, string][];
}

interface EnvelopeCase {
  data: string; dkSeed: string; dk: string; branch: string; header: HeaderJson; headerBytes: string; content: string; syn: string; item: string;
}

describe('vectors: structures', () => {
  it.each(load<MemberCase>('member.json'))('member chain: $about', async (c) => {
    let chain: MemberChain | null = null;
    for (const [n, link] of c.chain.links.entries()) {
      chain = await followMember(chain, linkOf(link));
      const devices = Object.fromEntries(activeDevices(chain).map((entry) => [toHex(entry.device), toHex(entry.dk)]));
      const { hash, identity, rs, rx, rxN, turned } = chain;
      expect({ n: chain.n, hash: toHex(hash), identity: toHex(identity), rs: toHex(rs), rx: toHex(rx), rxN, devices, keyFloor: turned }).toEqual(c.states[n]);
    }
    expect(chain).toEqual(await chainOfJson(c.chain));
    for (const expected of c.keys) {
      const key = await verifyMemberKey(await chainOfJson(c.chain), signedOf(expected.key));
      expect([key.generation, key.head.n, toHex(key.mkHash)]).toEqual([expected.generation, expected.n, expected.keyHash]);
      expect(toHex(await hBody('member-key', b(expected.key.body)))).toBe(expected.hash);
      expect(chain !== null && isLiving(chain, key)).toBe(expected.living);
    }
  });

  it.each(load<MemberKeyCase>('member_key.json'))('member keys: $about', async (c) => {
    for (const one of c.deviceSeals) {
      const seal = await verifyDeviceSeal(b(one.member), b(one.device), b(one.dk), signedOf(one.seal));
      expect([seal.k, toHex(seal.sk)]).toEqual([one.generation, one.key]);
      expect(toHex((await sealKeyFromSeed(b(one.seed))).publicKey)).toBe(one.key);
    }
    for (const one of c.boxes) {
      const device = b(one.device);
      const place = { device: toHex(device) === toHex(Z16) ? null : device, number: one.k };
      const secrets = await openMemberBox(await sealKeyFromSeed(b(one.seed)), place, await parseMemberKey(b(one.memberKey)), b(one.box));
      expect(hexes([secrets.m, secrets.mk.seed, secrets.mk.publicKey, secrets.ak])).toEqual([one.secret, one.mkSeed, one.mk, one.archive]);
    }
  });

  it.each(load<RosterCase>('roster.json'))('roster: $about', async (c) => {
    const chains = await chainsOfJson(c.chains);
    let roster: Roster | null = null;
    for (const [n, link] of c.links.entries()) {
      roster = await followRoster(roster, signedOf(link), chains);
      const seats = [...roster.seats.values()].map((seat) => [toHex(seat.member), toHex(seat.identity), seat.role]).sort();
      expect({
        n: roster.n, hash: toHex(roster.hash), type: roster.type, ...roster.policy, seats, joined: Object.fromEntries(roster.joined),
      }).toEqual(c.states[n]);
    }
    expect(roster).toEqual(await rosterOfJson(c, chains));
  });

  it.each(load<EpochCase>('epoch.json'))('epoch: $about', async (c) => {
    const chains = await chainsOfJson(c.chains);
    const roster = await rosterOfJson(c.roster, chains);
    const announcement = await verifyAnnouncement(signedOf(c.announcement), roster, headOf(c.previous), chains);
    expect(toHex(announcement.epoch.hash)).toBe(c.hash);
    expect(hexes(announcement.commits)).toEqual(c.commits);
    for (const one of c.members) {
      const row = await ownRow(announcement, b(c.recipients), b(one.member));
      expect(toHex(encode([row.member, row.n, row.hash, row.generation, row.mkHash, row.sealHash]))).toBe(one.row);
      expect(hexes(await openEpoch(announcement, row, b(one.seal), await sealKeyFromSeed(b(one.mkSeed))))).toEqual(c.branches);
    }
    const keys = new Map<string, MemberKey>();
    for (const signed of c.keys) {
      const { member } = await parseMemberKey(b(signed.body));
      const chain = chains(member);
      if (chain === undefined) throw new Error('Every key has its chain.');
      keys.set(toHex(member), await verifyMemberKey(chain, signedOf(signed)));
    }
    await checkRecipients(b(c.recipients), announcement, expectedRecipients(roster, chains, (member) => keys.get(toHex(member))));
  });

  it.each(load<ComplaintCase>('complaint.json'))('complaint: $about', async (c) => {
    await verifyBody(b(c.dk), b(c.complaint.signature), 'complaint', b(c.complaint.body));
    const { space, epoch, sealHash, signer, time, item } = await parseComplaint(b(c.complaint.body));
    expect({ space, epoch, sealHash, signer, time, item }).toEqual({
      space: b(c.space), epoch: headOf(c.epoch), sealHash: b(c.sealHash), signer: signerOf(c.signer), time: c.time, item: b(c.hash),
    });
  });

  it.each(load<GrantCase>('grant.json'))('grant: $about', async (c) => {
    const announcements = await Promise.all(c.announcements.map((body) => parseAnnouncement(b(body))));
    const mk = await sealKeyFromSeed(b(c.mkSeed));
    expect(toHex(mk.publicKey)).toBe(c.mk);
    const own = { member: b(c.member), generation: c.generation, mk, mkHash: await sha256(mk.publicKey) };
    const entries = await openGrant(b(c.space), own, b(c.sealed), (e) => announcements.find((one) => one.epoch.n === e));
    expect(entries.map((entry) => [entry.epoch, entry.branch, toHex(entry.key)])).toEqual(c.entries);
  });

  it.each(load<EnvelopeCase>('envelope.json'))('envelope: $about', async (c) => {
    const envelope = await parseEnvelope(b(c.data));
    await verifyEnvelope(envelope, b(c.dk));
    const content = await openEnvelope(envelope, b(c.branch));
    expect(toHex(encode(content))).toBe(c.content);
    const { header } = envelope;
    const { space, epoch, id, member, device, n, seen, kind, ref, b: branch, time } = header;
    expect({
      space: toHex(space), epoch: { n: epoch.n, hash: toHex(epoch.hash) }, id: toHex(id), member: toHex(member), device: toHex(device),
      n, seen: { n: seen.n, hash: toHex(seen.hash) }, kind, ref: ref === null ? null : toHex(ref), b: branch, time,
    }).toEqual(c.header);
    expect([toHex(envelope.headerBytes), toHex(envelope.syn), toHex(envelope.item)]).toEqual([c.headerBytes, c.syn, c.item]);
    const same: Content = anyMap(decode(b(c.content)));
    const again = await sealEnvelope(header, same, b(c.branch), await signingKeyFromSeed(b(c.dkSeed)));
    expect([toHex(again.syn), toHex(again.ct)]).toEqual([c.syn, toHex(envelope.ct)]);
  });

  it.each(load<{ entries: { seq: number; item: string; hash: string }[] }>('log.json'))('log: $about', async (c) => {
    let before = '00'.repeat(32);
    for (const entry of c.entries) {
      before = toHex(await nextHash(b(before), entry.seq, b(entry.item)));
      expect(before).toBe(entry.hash);
    }
  });
});
