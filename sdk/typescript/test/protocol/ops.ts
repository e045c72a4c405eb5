/** Runs a case of `invalid.json`: each op as `sdk/vectors/README.md` describes it. */
import {
  checkGrantScope,
  checkInviteMac,
  checkMemberPin,
  checkOwnRow,
  checkRecipients,
  checkRules,
  checkSealPublicKey,
  checkSigningPublicKey,
  decode,
  demandLiving,
  entropyFromWords,
  equal,
  followRoster,
  kdf,
  LogView,
  openEnvelope,
  openEpoch,
  openGrant,
  openMemberBox,
  ownRow,
  parseAnnouncement,
  parseComplaint,
  parseDeviceSeal,
  parseEnvelope,
  parseHeader,
  parseMemberKey,
  parseMemberLink,
  parseRecipients,
  parseRosterLink,
  passwordRoot,
  ProtocolError,
  sealKeyFromSeed,
  sha256,
  signerAt,
  toHex,
  unwrapArchive,
  unwrapBranch,
  verifyAnnouncement,
  verifyDeviceSeal,
  verifyEnvelope,
  verifyLinkAnswer,
  verifyLinkRequest,
  verifyMemberKey,
  verifyRoster,
  xBody,
  Z16,
  type Bytes,
  type Header,
  type Label,
  type Role,
} from '../../src/crypto/protocol';
import { verifyBody } from '../../src/crypto/protocol/labels';
import { hpkeOpen, hpkeSeal, verify } from '../../src/crypto/protocol/primitives';
import { b, chainOfJson, chainsOfJson, headOf, rosterOfJson, signedOf, type ChainJson, type HeadJson, type HeaderJson, type RosterJson, type SignedJson } from './vectors';

/** Every field that some op has; a case has those of its op. */
export interface Input {
  data: string; structure: string; key: string; message: string; signature: string; label: Label; body: string;
  seed: string; value: string; sealed: string; box: string; memberKey: string; device: string; k: number;
  chain: ChainJson; pin: HeadJson | null; known: number; seal: SignedJson; member: string; dk: string; n: number; hash: string;
  space: string; links: SignedJson[]; chains: ChainJson[]; newest: HeadJson | null;
  roster: RosterJson; previous: HeadJson; recipients: string; least: number; keys: Record<string, string>;
  expected: (HeadJson & { member: string; generation: number; mk: string })[]; mkSeed: string; mk: string; branch: string;
  header: HeaderJson; role: Role | null; lifetime: number; ref: { kind: number; author: string; b: number } | null;
  items: string[]; at: HeadJson; epoch: HeadJson; events: { what: string; item: string; member?: string; n?: number }[];
  newer: string; generation: number; wrap: string; b: number; commits: string[]; announcements: string[];
  identity: string; complained: number[]; entries: [number, number, string][]; salt: string; length: number; output: string;
  password: string; memoryKib: number; iterations: number; lanes: number; words: string;
  token: string; secret: string; request: string; answer: string; inviter: string; newcomer: string; mac: string;
  announcement: unknown;
}

type Op = (input: Input) => unknown;

const structures: Record<string, (data: Bytes) => unknown> = {
  'member-link': parseMemberLink,
  'member-key': parseMemberKey,
  'device-seal': parseDeviceSeal,
  'roster-link': parseRosterLink,
  announcement: parseAnnouncement,
  complaint: parseComplaint,
  recipients: parseRecipients,
  header: parseHeader,
  envelope: parseEnvelope,
};

function headerOf(json: HeaderJson): Header {
  const { space, epoch, id, member, device, seen, ref, ...rest } = json;
  return { ...rest, space: b(space), epoch: headOf(epoch), id: b(id), member: b(member), device: b(device), seen: headOf(seen), ref: ref === null ? null : b(ref) };
}

async function logOf(items: readonly string[]): Promise<LogView> {
  const log = new LogView();
  for (const [i, item] of items.entries()) await log.add(i + 1, b(item));
  return log;
}

export const ops: Record<string, Op> = {
  'cbor.decode': (i) => decode(b(i.data)),
  'cbor.structure': (i) => structures[i.structure]?.(b(i.data)),
  'ed25519.key': (i) => { checkSigningPublicKey(b(i.key)); },
  'ed25519.verify': (i) => verify(b(i.key), b(i.signature), b(i.message)),
  'ed25519.body': (i) => verifyBody(b(i.key), b(i.signature), i.label, b(i.body)),
  'seal.key': async (i) => {
    // both doors must refuse it: the check alone, and sealing
    await hpkeSeal(b(i.key), new Uint8Array(0), new Uint8Array(32)).catch((error: unknown) => {
      checkSealPublicKey(b(i.key));
      throw error;
    });
  },
  'seal.open': async (i) => hpkeOpen(await sealKeyFromSeed(b(i.seed)), xBody(i.label, b(i.value)), b(i.sealed)),
  'seal.box': async (i) => {
    const device = b(i.device);
    const place = { device: equal(device, Z16) ? null : device, number: i.k };
    return openMemberBox(await sealKeyFromSeed(b(i.seed)), place, await parseMemberKey(b(i.memberKey)), b(i.box));
  },
  'member.chain': async (i) => {
    const chain = await chainOfJson(i.chain);
    if (i.pin !== null) checkMemberPin(chain, headOf(i.pin));
  },
  'member.key': async (i) => {
    const chain = await chainOfJson(i.chain);
    demandLiving(chain, await verifyMemberKey(chain, signedOf(i.key as unknown as SignedJson), { generation: i.known }));
  },
  'member.deviceSeal': (i) => verifyDeviceSeal(b(i.member), b(i.device), b(i.dk), signedOf(i.seal), { k: i.known }),
  'member.signer': async (i) => {
    const chain = await chainOfJson(i.chain);
    return signerAt(chain, chain.member, b(i.device), { n: i.n, hash: b(i.hash) });
  },
  'roster.chain': async (i) => {
    const chains = await chainsOfJson(i.chains);
    const links = i.links.map(signedOf);
    const last = links.pop();
    if (last === undefined) throw new Error('There is a link.');
    const before = links.length === 0 ? null : ((await verifyRoster(b(i.space), links, chains)).at(-1) ?? null);
    const after = await followRoster(before, last, chains, i.newest === null ? null : headOf(i.newest));
    if (before === null) await verifyRoster(b(i.space), [last], chains);
    return after;
  },
  'epoch.verify': async (i) => {
    const chains = await chainsOfJson(i.chains);
    return verifyAnnouncement(signedOf(i.announcement as SignedJson), await rosterOfJson(i.roster, chains), headOf(i.previous), chains);
  },
  'epoch.own': async (i) => {
    const chain = await chainOfJson(i.chain);
    const row = await ownRow(await parseAnnouncement(b(i.announcement as string)), b(i.recipients), chain.member);
    checkOwnRow(row, chain, i.least, (generation) => {
      const known = i.keys[String(generation)];
      return known === undefined ? undefined : b(known);
    });
  },
  'epoch.list': async (i) => {
    const expected = await Promise.all(i.expected.map(async ({ member, n, hash, generation, mk }) => (
      { member: b(member), head: { n, hash: b(hash) }, generation, mk: b(mk), mkHash: await sha256(b(mk)) }
    )));
    await checkRecipients(b(i.recipients), await parseAnnouncement(b(i.announcement as string)), expected);
  },
  'epoch.open': async (i) => {
    const announcement = await parseAnnouncement(b(i.announcement as string));
    const row = await ownRow(announcement, b(i.recipients), b(i.member));
    return openEpoch(announcement, row, b(i.seal as unknown as string), await sealKeyFromSeed(b(i.mkSeed)));
  },
  'envelope.open': async (i) => {
    const envelope = await parseEnvelope(b(i.data));
    await verifyEnvelope(envelope, b(i.dk));
    return openEnvelope(envelope, b(i.branch));
  },
  'envelope.rules': (i) => {
    checkRules(headerOf(i.header), i.role, i.lifetime, i.ref === null ? null : { ...i.ref, author: b(i.ref.author) });
  },
  'log.items': (i) => logOf(i.items),
  'log.seen': async (i) => { (await logOf(i.items)).checkHash(headOf(i.at)); },
  'log.envelope': async (i) => {
    const log = new LogView();
    for (const [at, event] of i.events.entries()) {
      await log.add(at + 1, b(event.item));
      if (event.what === 'epoch') log.enteredEpoch({ n: i.epoch.n, hash: b(event.item) });
      if (event.what === 'roster') log.enteredRoster();
      if (event.what === 'complaint') log.enteredComplaint();
      if (event.what === 'memberLink') log.enteredMemberLink(b(event.member ?? ''), event.n ?? 0);
      if (event.what === 'envelope') log.enteredEnvelope();
    }
    return log.checkEnvelope(await parseEnvelope(b(i.data)), await chainOfJson(i.chain));
  },
  'wrap.archive': (i) => unwrapArchive(b(i.newer), b(i.member), i.generation, b(i.wrap)),
  'wrap.branch': (i) => unwrapBranch(b(i.key), b(i.member), { space: b(i.space), epoch: headOf(i.epoch), branch: i.b }, b(i.wrap), i.commits.map(b)),
  'grant.open': async (i) => {
    const announcements = await Promise.all(i.announcements.map((body) => parseAnnouncement(b(body))));
    const own = { member: b(i.member), generation: i.generation, mk: await sealKeyFromSeed(b(i.mkSeed)), mkHash: await sha256(b(i.mk)) };
    return openGrant(b(i.space), own, b(i.sealed), (e) => announcements.find((one) => one.epoch.n === e));
  },
  'grant.scope': async (i) => {
    const roster = await rosterOfJson(i.roster, await chainsOfJson(i.chains));
    const entries = i.entries.map(([epoch, branch, key]) => ({ epoch, branch, key: b(key) }));
    checkGrantScope(entries, roster, b(i.member), b(i.identity), new Set(i.complained));
  },
  'derivation.kdf': async (i) => {
    const output = await kdf(b(i.key), b(i.salt), i.label, decode(b(i.value)), i.length);
    if (toHex(output) !== i.output) throw new ProtocolError('derivation', 'BAD_COMMIT', "The output is another derivation's.");
  },
  'derivation.password': (i) => passwordRoot(i.password, { salt: b(i.salt), memoryKib: i.memoryKib, iterations: i.iterations, lanes: i.lanes }),
  'derivation.words': (i) => entropyFromWords(i.words, 24),
  'derivation.invite': (i) => checkInviteMac(b(i.secret), b(i.token), b(i.inviter), b(i.newcomer), b(i.mac)),
  'link.request': (i) => verifyLinkRequest(b(i.k as unknown as string), { body: b(i.request), mac: b(i.mac) }, b(i.member)),
  'link.answer': (i) => verifyLinkAnswer(b(i.k as unknown as string), b(i.request), { body: b(i.answer), mac: b(i.mac) }),
};
