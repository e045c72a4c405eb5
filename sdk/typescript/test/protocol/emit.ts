/** Makes `sdk/vectors/typescript.json`: what this core makes at random, for the Python one to open. Run by emit.mjs. */
import {
  encode,
  EnvelopeKind,
  expectedRecipients,
  followRoster,
  generateMemberSecrets,
  generateSealKey,
  makeComplaint,
  makeDeviceSeal,
  makeEnvelopeId,
  makeEpoch,
  makeMemberKey,
  makeMemberLink,
  makeRosterLink,
  messageContent,
  NO_EPOCH,
  followMember,
  ownRow,
  parseAnnouncement,
  parseRecipients,
  randomBytes,
  reactionContent,
  Role,
  rosterPlace,
  sealEnvelope,
  sealGrant,
  sealMemberBox,
  SpaceType,
  stateContent,
  toHex,
  wrapArchive,
  wrapBranch,
  xBody,
  Z16,
  type Content,
  type Head,
  type Header,
  type MemberSecrets,
  type Signed,
  type SignedLink,
  type Signer,
} from '../../src/crypto/protocol';
import { hpkeSeal } from '../../src/crypto/protocol/primitives';
import { chainsOf, keysOf, NOW, person, type Person } from './support';

type Case = Record<string, unknown>;

const head = (of: Head): Case => ({ n: of.n, hash: toHex(of.hash) });
const signed = (of: Signed): Case => ({ body: toHex(of.body), signature: toHex(of.signature) });
const link = (of: SignedLink): Case => ({ ...signed(of), cosignature: of.cosignature === null ? null : toHex(of.cosignature) });
const signer = (of: Signer): Case => ({ member: toHex(of.member), device: toHex(of.device), ...head(of) });
const chain = (of: Person): Case => ({ member: toHex(of.member), links: of.links.map(link) });

async function seals(): Promise<Case[]> {
  const cases: Case[] = [];
  for (const length of [0, 32, 1_000]) {
    const [key, text] = [await generateSealKey(), randomBytes(length)];
    const info = xBody('grant', encode([length]));
    const sealed = await hpkeSeal(key.publicKey, info, text);
    cases.push({ what: 'seal', about: `${length} bytes`, seed: toHex(key.seed), public: toHex(key.publicKey), info: toHex(info), sealed: toHex(sealed), text: toHex(text) });
  }
  return cases;
}

async function boxes(of: Person, next: MemberSecrets): Promise<Case[]> {
  const sk = await generateSealKey();
  const seal = await makeDeviceSeal(of.by, 1, sk.publicKey, NOW);
  const memberKey = toHex(of.signedKey.body);
  const at = { what: 'box', memberKey, secret: toHex(of.secrets.m), archive: toHex(of.secrets.ak) };
  const device = await sealMemberBox(sk.publicKey, { device: of.by.device, number: 1 }, of.secrets);
  const recovery = await sealMemberBox(of.recovery.rx.publicKey, { device: null, number: 0 }, of.secrets);
  return [
    { what: 'member', about: 'a chain of two links and its key', chain: chain(of), key: signed(of.signedKey), keyHash: toHex(of.key.mkHash), hash: toHex(of.chain.hash) },
    { what: 'deviceSeal', about: 'k 1', seal: signed(seal), member: toHex(of.member), device: toHex(of.by.device), dk: toHex(of.by.dk.publicKey), k: 1, key: toHex(sk.publicKey) },
    { ...at, about: 'for a device', box: toHex(device), seed: toHex(sk.seed), device: toHex(of.by.device), k: 1 },
    { ...at, about: 'for the recovery key', box: toHex(recovery), seed: toHex(of.recovery.rx.seed), device: toHex(Z16), k: 0 },
    { what: 'archive', about: 'AK_1 under AK_2', newer: toHex(next.ak), member: toHex(of.member), generation: 1, archive: toHex(of.secrets.ak), wrap: toHex(await wrapArchive(next, of.secrets)) },
  ];
}

async function withPhone(of: Person): Promise<Person> {
  const statement = { kind: 1, device: randomBytes(16), dk: (await generateSigning()).publicKey } as const;
  const added = await makeMemberLink(of.chain, of.member, statement, { device: of.by.device, key: of.by.dk }, NOW);
  const longer = await followMember(of.chain, added);
  const signedKey = await makeMemberKey(longer, of.secrets, of.by, NOW);
  const key = { ...of.key, head: { n: longer.n, hash: longer.hash } };
  return { ...of, links: [...of.links, added], chain: longer, signedKey, key, signer: { ...of.signer, n: longer.n, hash: longer.hash } };
}

async function generateSigning(): Promise<Person['by']['dk']> {
  return (await person()).by.dk;
}

async function conversation(ada: Person, bob: Person, cyd: Person): Promise<Case[]> {
  const [chains, keys] = [chainsOf(ada, bob, cyd), keysOf(ada, bob, cyd)];
  const seats = [ada, bob].map((one, i) => ({ member: one.member, identity: one.chain.identity, role: i === 0 ? Role.OWNER : Role.WRITER }));
  const create = { kind: 0, type: SpaceType.GROUP, seats, policy: { lifetime: 0, shared: true } } as const;
  const space = randomBytes(16);
  const links = [await makeRosterLink({ space, head: null, epoch: NO_EPOCH }, create, ada.signer, ada.by.dk, NOW)];
  let roster = await followRoster(null, links[0] as Signed, chains);
  const add = { kind: 1, member: cyd.member, identity: cyd.chain.identity, role: Role.READER } as const;
  links.push(await makeRosterLink(rosterPlace(roster), add, ada.signer, ada.by.dk, NOW));
  roster = await followRoster(roster, links[1] as Signed, chains);
  const epoch = await makeEpoch(roster, expectedRecipients(roster, chains, keys), bob.signer, bob.by.dk, NOW);
  const announcement = await parseAnnouncement(epoch.announcement.body);
  const rows = parseRecipients(epoch.recipients);
  const members = [ada, bob, cyd].map((one) => {
    const at = rows.findIndex((row) => toHex(row.member) === toHex(one.member));
    return { member: toHex(one.member), mkSeed: toHex(one.secrets.mk.seed), generation: 1, seal: toHex(epoch.seals[at] ?? new Uint8Array(0)) };
  });
  const branches = epoch.branches.map(toHex);
  const commits = announcement.commits.map(toHex);
  const cases: Case[] = [{
    what: 'epoch', about: 'of three members, by a writer', announcement: signed(epoch.announcement), recipients: toHex(epoch.recipients),
    roster: { space: toHex(space), links: links.map(signed) }, previous: head(NO_EPOCH), chains: [ada, bob, cyd].map(chain), hash: toHex(epoch.epoch.hash),
    commits, branches, keys: [ada, bob, cyd].map((one) => signed(one.signedKey)), members,
  }];
  const row = await ownRow(announcement, epoch.recipients, cyd.member);
  const complaint = await makeComplaint(announcement, row.sealHash, cyd.signer, cyd.by.dk, NOW);
  cases.push({ what: 'complaint', about: 'of a reader', complaint: signed(complaint), dk: toHex(cyd.by.dk.publicKey), sealHash: toHex(row.sealHash), signer: signer(cyd.signer) });
  const entries = epoch.branches.map((key, branch) => ({ epoch: 1, branch, key }));
  cases.push({
    what: 'grant', about: 'every class', sealed: toHex(await sealGrant(space, cyd.key, entries)), space: toHex(space), member: toHex(cyd.member), generation: 1,
    mkSeed: toHex(cyd.secrets.mk.seed), mk: toHex(cyd.key.mk), announcements: [toHex(epoch.announcement.body)],
    entries: entries.map((entry) => [entry.epoch, entry.branch, toHex(entry.key)]),
  });
  for (const [b, key] of epoch.branches.entries()) {
    const wrap = await wrapBranch(bob.secrets, { space, epoch: epoch.epoch, branch: b }, key);
    const under = b === 0 ? bob.secrets.ak : bob.secrets.m;
    cases.push({
      what: 'branch', about: `B_${b}`, key: toHex(under), member: toHex(bob.member), space: toHex(space), epoch: head(epoch.epoch), b, commits,
      branch: toHex(key), wrap: toHex(wrap),
    });
  }
  const contents: [number, Content, boolean][] = [
    [EnvelopeKind.MESSAGE, messageContent('Hello, wörld 👋'), false],
    [EnvelopeKind.MESSAGE, messageContent('\ufeff' + 'long '.repeat(3_000)), false],
    [EnvelopeKind.REACTION, reactionContent('👍'), true],
    [EnvelopeKind.STATE, stateContent({ title: 'The title', picture: { bytes: randomBytes(3_000), mediaType: 'image/webp' } }), false],
  ];
  for (const [kind, content, about] of contents) {
    for (const b of [0, 3]) {
      const header: Header = {
        space, epoch: epoch.epoch, id: makeEnvelopeId(NOW, randomBytes(10)), member: ada.member, device: ada.by.device, n: ada.chain.n,
        seen: { n: 3, hash: randomBytes(32) }, kind, ref: about ? makeEnvelopeId(NOW, randomBytes(10)) : null, b, time: NOW,
      };
      const key = epoch.branches[b] ?? randomBytes(32);
      const sealed = await sealEnvelope(header, content, key, ada.by.dk);
      cases.push({
        what: 'envelope', about: `kind ${kind}, class ${b}`, data: toHex(sealed.bytes), dk: toHex(ada.by.dk.publicKey), branch: toHex(key),
        content: toHex(encode(content)), item: toHex(sealed.item),
      });
    }
  }
  return cases;
}

export async function vectors(): Promise<Case> {
  const [first, bob, cyd] = [await person(), await person(), await person()];
  const ada = await withPhone(first);
  const cases = [
    ...(await seals()),
    ...(await boxes(ada, await generateMemberSecrets(ada.member, 2))),
    ...(await conversation(ada, bob, cyd)),
  ];
  return { about: 'Made by the TypeScript core, new random bytes each time; opened by tests/protocol/test_typescript_vectors.py.', cases };
}
