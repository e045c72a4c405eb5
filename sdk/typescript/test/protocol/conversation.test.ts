import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  asBytes,
  checkGrantScope,
  checkOwnRow,
  checkRecipients,
  checkRules,
  EnvelopeKind,
  equal,
  expectedRecipients,
  followMember,
  followRoster,
  generateMemberSecrets,
  LogView,
  makeComplaint,
  makeEnvelopeId,
  makeEpoch,
  makeMemberKey,
  makeMemberLink,
  makeRosterLink,
  messageContent,
  mustComplain,
  NO_EPOCH,
  openEnvelope,
  openEpoch,
  openGrant,
  ownRow,
  parseAnnouncement,
  parseEnvelope,
  parseRecipients,
  randomBytes,
  readMessage,
  Role,
  rosterPlace,
  sealEnvelope,
  sealGrant,
  SpaceType,
  toHex,
  unwrapBranch,
  verifyAnnouncement,
  verifyComplaint,
  verifyEnvelope,
  verifyMemberKey,
  verifyRoster,
  wrapBranch,
  type Announcement,
  type Header,
  type MemberKeys,
  type NewEpoch,
  type Roster,
  type RosterStatement,
  type Seat,
  type Signed,
} from '../../src/crypto/protocol';
import { chainsOf, flip, keysOf, NOW, person, refusal, type Person } from './support';

const POLICY = { lifetime: 0, shared: false };

function seat(of: Person, role: Role): Seat {
  return { member: of.member, identity: of.chain.identity, role };
}

describe('a conversation', () => {
  let ada: Person;
  let bob: Person;
  let cyd: Person;
  let link: Signed;
  let roster: Roster;
  let epoch: NewEpoch;
  let announcement: Announcement;
  beforeAll(async () => {
    [ada, bob, cyd] = await Promise.all([person(), person(), person()]);
    const statement = { kind: 0, type: SpaceType.GROUP, seats: [seat(ada, Role.OWNER), seat(bob, Role.WRITER)], policy: POLICY } as const;
    link = await makeRosterLink({ space: randomBytes(16), head: null, epoch: NO_EPOCH }, statement, ada.signer, ada.by.dk, NOW);
    roster = await followRoster(null, link, chainsOf(ada));
    epoch = await make(ada);
    announcement = await verifyAnnouncement(epoch.announcement, roster, NO_EPOCH, chainsOf(ada));
  });

  function make(by: Person, of: Roster = roster, previous = NO_EPOCH): Promise<NewEpoch> {
    const recipients = expectedRecipients(of, chainsOf(ada, bob, cyd), keysOf(ada, bob, cyd));
    return makeEpoch(of, recipients, by.signer, by.by.dk, NOW, previous);
  }

  async function change(of: Roster, by: Person, statement: RosterStatement): Promise<Roster> {
    const signed = await makeRosterLink(rosterPlace(of), statement, by.signer, by.by.dk, NOW);
    return followRoster(of, signed, chainsOf(ada, bob, cyd), NO_EPOCH);
  }

  function header(by: Person, more: Partial<Header> = {}): Header {
    return {
      space: roster.space,
      epoch: epoch.epoch,
      id: makeEnvelopeId(NOW, randomBytes(10)),
      member: by.member,
      device: by.by.device,
      n: 0,
      seen: { n: 2, hash: randomBytes(32) },
      kind: EnvelopeKind.MESSAGE,
      ref: null,
      b: 0,
      time: NOW,
      ...more,
    };
  }

  it('is one roster for everybody', async () => {
    const again = await verifyRoster(roster.space, [link], chainsOf(ada));
    expect(again).toEqual([roster]);
    const grown = await change(roster, ada, { kind: 1, ...seat(cyd, Role.READER) });
    expect(grown.seats.size).toBe(3);
    const smaller = await change(grown, cyd, { kind: 2, member: cyd.member });
    expect(smaller.seats.size).toBe(2);
    expect((await change(smaller, ada, { kind: 4, policy: { lifetime: 3, shared: true } })).policy).toEqual({ lifetime: 3, shared: true });
  });

  it('refuses roles beyond their right', async () => {
    const grown = await change(roster, ada, { kind: 1, ...seat(cyd, Role.ADMIN) });
    const refused: [Roster, Person, RosterStatement][] = [
      [roster, bob, { kind: 1, ...seat(cyd, Role.READER) }],
      [roster, cyd, { kind: 4, policy: POLICY }],
      [roster, ada, { kind: 2, member: ada.member }],
      [roster, ada, { kind: 3, member: ada.member, role: Role.ADMIN }],
      [roster, bob, { kind: 3, member: bob.member, role: Role.OWNER }],
      [roster, ada, { kind: 1, ...seat(bob, Role.WRITER) }],
      [roster, ada, { kind: 2, member: cyd.member }],
      [grown, cyd, { kind: 1, ...seat(bob, Role.OWNER) }],
      [grown, cyd, { kind: 2, member: ada.member }],
      [roster, ada, { kind: 0, type: SpaceType.GROUP, seats: [seat(ada, Role.OWNER)], policy: POLICY }],
    ];
    for (const [of, by, statement] of refused) {
      expect(await refusal(() => change(of, by, statement))).toEqual({ layer: 'roster', code: 'FORBIDDEN' });
    }
  });

  it('keeps direct conversations and accounts as they are', async () => {
    const first = async (type: 0 | 4, ...seats: Seat[]): Promise<Roster> => {
      const created = await makeRosterLink({ space: randomBytes(16), head: null, epoch: NO_EPOCH }, { kind: 0, type, seats, policy: POLICY }, ada.signer, ada.by.dk, NOW);
      return followRoster(null, created, chainsOf(ada, bob, cyd));
    };
    const refused = { layer: 'roster', code: 'FORBIDDEN' };
    expect(await refusal(() => first(0, seat(ada, Role.OWNER), seat(bob, Role.WRITER)))).toEqual(refused);
    expect(await refusal(() => first(0, seat(ada, Role.OWNER)))).toEqual(refused);
    expect(await refusal(() => first(4, seat(ada, Role.OWNER), seat(bob, Role.OWNER)))).toEqual(refused);
    const direct = await first(0, seat(ada, Role.OWNER), seat(bob, Role.OWNER));
    const account = await first(4, seat(ada, Role.OWNER));
    for (const of of [direct, account]) {
      expect(await refusal(() => change(of, ada, { kind: 1, ...seat(cyd, Role.OWNER) }))).toEqual(refused);
      expect(await refusal(() => change(of, ada, { kind: 2, member: ada.member }))).toEqual(refused);
    }
    const renewed = await change(direct, ada, { kind: 1, member: bob.member, identity: randomBytes(32), role: Role.OWNER });
    expect(renewed.seats.size).toBe(2);
    expect(await refusal(() => change(renewed, bob, { kind: 4, policy: POLICY }))).toEqual(refused);
  });

  it('has an epoch that every member opens', async () => {
    for (const one of [ada, bob]) {
      const row = await ownRow(announcement, epoch.recipients, one.member);
      checkOwnRow(row, one.chain, 0, () => one.key.mkHash);
      const keys = await openEpoch(announcement, row, epoch.seals[placeOf(one)] ?? new Uint8Array(0), one.secrets.mk);
      expect(keys.map(toHex)).toEqual(epoch.branches.map(toHex));
    }
    await checkRecipients(epoch.recipients, announcement, expectedRecipients(roster, chainsOf(ada, bob), keysOf(ada, bob)));
    expect(await refusal(() => ownRow(announcement, epoch.recipients, cyd.member))).toEqual({ layer: 'epoch', code: 'RECIPIENTS_CHANGED' });
  });

  function placeOf(who: Person): number {
    return parseRecipients(epoch.recipients).findIndex((row) => equal(row.member, who.member));
  }

  it('stands through device.add and a scheduled rotation, and falls with a revocation', async () => {
    const other = { device: randomBytes(16), dk: (await person()).by.dk };
    const signers = { device: bob.by.device, key: bob.by.dk };
    const add = await makeMemberLink(bob.chain, bob.member, { kind: 1, device: other.device, dk: other.dk.publicKey }, signers, NOW);
    const longer = await followMember(bob.chain, add);
    const next = await verifyMemberKey(longer, await makeMemberKey(longer, await generateMemberSecrets(bob.member, 2), bob.by, NOW), bob.key);
    const rows = parseRecipients(epoch.recipients);
    const chains = chainsOf(ada, { ...bob, chain: longer });
    const keys: MemberKeys = (member, generation) => {
      if (!equal(member, bob.member)) return ada.key;
      return generation === 1 ? bob.key : next;
    };
    await checkRecipients(epoch.recipients, announcement, expectedRecipients(roster, chains, keys, rows));
    const changed = { layer: 'epoch', code: 'RECIPIENTS_CHANGED' };
    const asNew = expectedRecipients(roster, chains, keys);
    expect(await refusal(() => checkRecipients(epoch.recipients, announcement, asNew))).toEqual(changed);
    const unseen: MemberKeys = (member, generation) => (generation === 1 && equal(member, bob.member) ? undefined : keys(member, null));
    expect(await refusal(() => checkRecipients(epoch.recipients, announcement, expectedRecipients(roster, chains, unseen, rows)))).toEqual(changed);
    const revoke = await makeMemberLink(longer, bob.member, { kind: 2, device: other.device }, signers, NOW);
    const turned = chainsOf(ada, { ...bob, chain: await followMember(longer, revoke) });
    expect(await refusal(() => expectedRecipients(roster, turned, keys, rows))).toEqual(changed);
  });

  it('tells the creator from the server when a seal fails', async () => {
    const row = await ownRow(announcement, epoch.recipients, bob.member);
    const at = placeOf(bob);
    const [own, other] = [epoch.seals[at], epoch.seals[1 - at]];
    if (own === undefined || other === undefined) throw new Error('There are two seals.');
    expect(await refusal(() => openEpoch(announcement, row, other, bob.secrets.mk))).toEqual({ layer: 'epoch', code: 'SEAL_MISMATCH' });
    const commits = [randomBytes(32), ...announcement.commits.slice(1)];
    const wrong = await openEpoch({ ...announcement, commits }, row, own, bob.secrets.mk).catch((error: unknown) => error);
    expect(mustComplain(wrong)).toBe(true);
    const complaint = await makeComplaint(announcement, row.sealHash, bob.signer, bob.by.dk, NOW);
    const rows = parseRecipients(epoch.recipients);
    expect((await verifyComplaint(complaint, announcement, rows, roster, chainsOf(bob))).item).toHaveLength(32);
    const foreign = await makeComplaint(announcement, randomBytes(32), bob.signer, bob.by.dk, NOW);
    expect(await refusal(() => verifyComplaint(foreign, announcement, rows, roster, chainsOf(bob)))).toEqual({ layer: 'epoch', code: 'FORBIDDEN' });
  });

  it('refuses epochs out of order, by readers, or for another roster', async () => {
    expect(await refusal(() => verifyAnnouncement(epoch.announcement, roster, epoch.epoch, chainsOf(ada)))).toEqual({ layer: 'epoch', code: 'EPOCH_CONFLICT' });
    const grown = await change(roster, ada, { kind: 1, ...seat(cyd, Role.READER) });
    expect(await refusal(() => verifyAnnouncement(epoch.announcement, grown, NO_EPOCH, chainsOf(ada)))).toEqual({ layer: 'epoch', code: 'RECIPIENTS_CHANGED' });
    const byReader = await make(cyd, grown);
    expect(await refusal(() => verifyAnnouncement(byReader.announcement, grown, NO_EPOCH, chainsOf(cyd)))).toEqual({ layer: 'epoch', code: 'FORBIDDEN' });
    const missing = await makeEpoch(grown, expectedRecipients(roster, chainsOf(ada, bob), keysOf(ada, bob)), ada.signer, ada.by.dk, NOW);
    const announced = await verifyAnnouncement(missing.announcement, grown, NO_EPOCH, chainsOf(ada));
    const expected = expectedRecipients(grown, chainsOf(ada, bob, cyd), keysOf(ada, bob, cyd));
    expect(await refusal(() => checkRecipients(missing.recipients, announced, expected))).toEqual({ layer: 'epoch', code: 'RECIPIENTS_CHANGED' });
  });

  it('carries envelopes, whole or not at all', async () => {
    const branchKey = epoch.branches[0] ?? randomBytes(32);
    await fc.assert(fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 600 }), fc.nat(), async (text, bit) => {
      const sent = await sealEnvelope(header(ada), messageContent(text), branchKey, ada.by.dk);
      const got = await parseEnvelope(sent.bytes);
      await verifyEnvelope(got, ada.by.dk.publicKey);
      expect(readMessage(await openEnvelope(got, branchKey))).toBe(text);
      expect(toHex(got.item)).toBe(toHex(sent.item));
      const altered = flip(sent.bytes, bit % (sent.bytes.length * 8));
      await refusal(async () => {
        const parsed = await parseEnvelope(altered);
        await verifyEnvelope(parsed, ada.by.dk.publicKey);
      });
      await refusal(async () => openEnvelope({ ...got, ct: flip(got.ct, bit % (got.ct.length * 8)) }, branchKey));
      await refusal(async () => openEnvelope({ ...got, syn: flip(got.syn, bit % 256) }, branchKey));
    }), { numRuns: 40 });
    const sent = await sealEnvelope(header(ada), messageContent('hello'), branchKey, ada.by.dk);
    expect(await refusal(() => openEnvelope(sent, epoch.branches[1] ?? branchKey))).toEqual({ layer: 'envelope', code: 'UNREADABLE' });
    expect(await refusal(() => verifyEnvelope(sent, bob.by.dk.publicKey))).toEqual({ layer: 'ed25519', code: 'FORBIDDEN' });
  });

  it('repeats no key with another text, and repeats a retry to the byte', async () => {
    const branchKey = epoch.branches[0] ?? randomBytes(32);
    const same = header(ada);
    const [one, again, two] = await Promise.all(['a', 'a', 'b'].map((text) => sealEnvelope(same, messageContent(text), branchKey, ada.by.dk)));
    expect(toHex(one?.ct ?? asBytes(new Uint8Array(0)))).toBe(toHex(again?.ct ?? randomBytes(1)));
    expect(toHex(one?.syn ?? randomBytes(1))).not.toBe(toHex(two?.syn ?? randomBytes(1)));
  });

  it('holds senders to their role and the policy', async () => {
    const ok = header(ada);
    checkRules(ok, Role.WRITER, 0, null);
    const own = { kind: EnvelopeKind.MESSAGE, author: ada.member, b: 3 };
    checkRules(header(ada, { kind: EnvelopeKind.EDIT, ref: ok.id, b: 3 }), Role.READER, 0, own);
    checkRules(header(bob, { kind: EnvelopeKind.DELETE, ref: ok.id }), Role.ADMIN, 0, own);
    const refused: [Header, Role | null, number, typeof own | null][] = [
      [ok, null, 0, null],
      [ok, Role.READER, 0, null],
      [ok, Role.WRITER, 3, null],
      [header(ada, { b: 4 }), Role.WRITER, 3, null],
      [header(ada, { b: 7 }), Role.WRITER, 0, null],
      [header(ada, { kind: 9 }), Role.OWNER, 0, null],
      [header(ada, { kind: EnvelopeKind.STATE }), Role.WRITER, 0, null],
      [header(ada, { kind: EnvelopeKind.SIGNAL }), Role.WRITER, 0, null],
      [header(ada, { kind: EnvelopeKind.EDIT }), Role.WRITER, 0, null],
      [header(bob, { kind: EnvelopeKind.EDIT, ref: ok.id, b: 3 }), Role.OWNER, 0, own],
      [header(ada, { kind: EnvelopeKind.EDIT, ref: ok.id, b: 4 }), Role.OWNER, 0, own],
      [header(ada, { kind: EnvelopeKind.EDIT, ref: ok.id, b: 0 }), Role.OWNER, 0, own],
      [header(bob, { kind: EnvelopeKind.DELETE, ref: ok.id }), Role.WRITER, 0, own],
      [header(ada, { kind: EnvelopeKind.REACTION, ref: ok.id }), Role.WRITER, 0, null],
      [header(ada, { kind: EnvelopeKind.RECEIPT, ref: ok.id }), Role.WRITER, 0, own],
    ];
    for (const [head, role, lifetime, referred] of refused) {
      expect(await refusal(() => { checkRules(head, role, lifetime, referred); })).toEqual({ layer: 'envelope', code: 'FORBIDDEN' });
    }
  });

  it('shows a log that was cut, doubled or forked', async () => {
    const log = new LogView();
    const announced = await parseAnnouncement(epoch.announcement.body);
    await log.add(1, roster.hash);
    log.enteredRoster();
    await log.add(2, announced.epoch.hash);
    log.enteredEpoch(announced.epoch);
    const branchKey = epoch.branches[0] ?? randomBytes(32);
    const sent = await sealEnvelope(header(ada, { seen: log.head }), messageContent('hi'), branchKey, ada.by.dk);
    expect(toHex(log.checkEnvelope(sent, ada.chain))).toBe(toHex(ada.by.dk.publicKey));
    await log.add(3, sent.item);
    log.enteredEnvelope();
    log.checkOwn(3, sent.item);
    expect(await refusal(() => log.add(4, sent.item))).toEqual({ layer: 'log', code: 'REPLAYED' });
    expect(await refusal(() => log.add(5, randomBytes(32)))).toEqual({ layer: 'log', code: 'FORK' });
    expect(await refusal(() => { log.checkHash({ n: 2, hash: randomBytes(32) }); })).toEqual({ layer: 'log', code: 'FORK' });
    expect(await refusal(() => { log.checkHash({ n: 9, hash: randomBytes(32) }); })).toEqual({ layer: 'log', code: 'FORK' });
    const copy = new LogView(log.state());
    copy.enteredMemberLink(ada.member, 1);
    expect(copy.due).toBe('MEMBER_CHAIN');
    expect(await refusal(() => copy.checkEnvelope(sent, ada.chain))).toEqual({ layer: 'log', code: 'FORBIDDEN' });
    const fromBob = await sealEnvelope(header(bob, { seen: log.head }), messageContent('late'), branchKey, bob.by.dk);
    expect(await refusal(() => copy.checkEnvelope(fromBob, bob.chain))).toEqual({ layer: 'log', code: 'STALE_EPOCH' });
    log.checkEnvelope(fromBob, bob.chain);
    expect(await refusal(() => log.checkEnvelope(fromBob, ada.chain))).toEqual({ layer: 'member', code: 'FORBIDDEN' });
    log.trim(1);
    log.checkHash({ n: 1, hash: randomBytes(32) });
  });

  it('grants what may be granted', async () => {
    const grown = await change(roster, ada, { kind: 1, ...seat(cyd, Role.READER) });
    const entries = epoch.branches.map((key, branch) => ({ epoch: 1, branch, key }));
    checkGrantScope(entries, grown, cyd.member, cyd.chain.identity, new Set());
    const refused = { layer: 'grant', code: 'FORBIDDEN' };
    expect(await refusal(() => { checkGrantScope(entries, roster, cyd.member, cyd.chain.identity, new Set()); })).toEqual(refused);
    const late = { ...grown, joined: new Map([[toHex(cyd.member), 1]]) };
    expect(await refusal(() => { checkGrantScope(entries, late, cyd.member, cyd.chain.identity, new Set()); })).toEqual(refused);
    checkGrantScope(entries, late, cyd.member, cyd.chain.identity, new Set([1]));
    const sealed = await sealGrant(roster.space, cyd.key, entries);
    const known = (e: number): Announcement | undefined => (e === 1 ? announcement : undefined);
    expect(await openGrant(roster.space, cyd.secrets, sealed, known)).toEqual(entries);
    expect(await refusal(() => openGrant(roster.space, cyd.secrets, sealed, () => undefined))).toEqual(refused);
    expect(await refusal(() => openGrant(roster.space, bob.secrets, sealed, known))).toEqual({ layer: 'seal', code: 'BAD_SEAL' });
    const wrong = await sealGrant(roster.space, cyd.key, [{ epoch: 1, branch: 0, key: randomBytes(32) }]);
    expect(await refusal(() => openGrant(roster.space, cyd.secrets, wrong, known))).toEqual({ layer: 'epoch', code: 'BAD_COMMIT' });
  });

  it('keeps branches through a rotation', async () => {
    for (const [branch, key] of epoch.branches.entries()) {
      const place = { space: roster.space, epoch: epoch.epoch, branch };
      const wrapped = await wrapBranch(bob.secrets, place, key);
      const under = branch === 0 ? bob.secrets.ak : bob.secrets.m;
      expect(toHex(await unwrapBranch(under, bob.member, place, wrapped, announcement.commits))).toBe(toHex(key));
      const other = { ...place, branch: (branch + 1) % 7 };
      expect(await refusal(() => unwrapBranch(under, bob.member, other, wrapped, announcement.commits))).toEqual({ layer: 'wrap', code: 'UNREADABLE' });
    }
    const place = { space: roster.space, epoch: epoch.epoch, branch: 1 };
    const foreign = await wrapBranch(bob.secrets, place, randomBytes(32));
    expect(await refusal(() => unwrapBranch(bob.secrets.m, bob.member, place, foreign, announcement.commits))).toEqual({ layer: 'epoch', code: 'BAD_COMMIT' });
  });
});
