import { beforeAll, describe, expect, it, vi } from 'vitest';
import { randomBytes, type Bytes } from '../../src/bytes';
import { REASONS } from '../../src/crypto/machine/reasons';
import { deleteContent, messageContent, reactionContent } from '../../src/crypto/protocol/contents';
import { EnvelopeKind, makeEnvelopeId, parseEnvelope, sealEnvelope, type Content } from '../../src/crypto/protocol/envelope';
import { inviteMac, parseJoinFragment } from '../../src/crypto/protocol/invite';
import { hBody } from '../../src/crypto/protocol/labels';
import { Person, World } from './world';

let world: World;
let ada: Person;
let bob: Person;
let cem: Person;

beforeAll(async () => {
  world = new World();
  [ada, bob, cem] = [await world.person('ada'), await world.person('bob'), await world.person('cem')];
});

/** An envelope of a kind that the client reads but does not send yet. */
async function about(person: Person, space: string, message: Bytes, kind: number, content: Content): Promise<Bytes> {
  const keyring = await person.keyring();
  const { header } = await parseEnvelope(message);
  const key = (await person.branch(space, header.epoch.n)) ?? new Uint8Array(32);
  const now = Date.now();
  const { head } = world.space(space);
  const mine = { member: keyring.memberBytes, device: keyring.device.device, n: 0, id: makeEnvelopeId(now, randomBytes(10)), seen: head, time: now };
  return (await sealEnvelope({ ...header, ...mine, kind, ref: header.id }, content, key, keyring.device.dk)).bytes;
}

describe('a message', () => {
  it('is changed by its author, and by nobody else', async () => {
    const space = await world.create(ada, [bob]);
    const message = await ada.send(world, space, 'frist');
    await world.sync(ada, space);
    await world.envelope(space, await about(ada, space, message, EnvelopeKind.EDIT, messageContent('first')));
    await world.sync(bob, space);
    expect(bob.lines(space).at(-1)).toBe('3 first');
    await world.envelope(space, await about(bob, space, message, EnvelopeKind.EDIT, messageContent('worst')));
    await world.sync(ada, space);
    expect(ada.lines(space).slice(1)).toEqual(['3 first', `5 [${REASONS.notAllowed}]`]);
  });

  it('is deleted by its author or an admin, and reacted to without a line', async () => {
    const space = await world.create(ada, [bob]);
    const message = await bob.send(world, space, 'oops');
    await world.sync(bob, space);
    await world.envelope(space, await about(ada, space, message, EnvelopeKind.REACTION, reactionContent('👀')));
    await world.sync(bob, space);
    expect(bob.lines(space)).toEqual(['1 (created)', '3 oops']);
    await world.envelope(space, await about(ada, space, message, EnvelopeKind.DELETE, deleteContent()));
    await world.sync(bob, space);
    expect(bob.lines(space)).toEqual(['1 (created)']);
  });

  it('that is loaded after its edit shows as edited', async () => {
    const space = await world.create(ada, [bob]);
    const message = await ada.send(world, space, 'frist');
    await ada.send(world, space, 'second');
    await world.sync(ada, space);
    await world.envelope(space, await about(ada, space, message, EnvelopeKind.EDIT, messageContent('first')));
    const later = new World();
    later.people.push(...world.people);
    later.spaces.set(space, world.space(space));
    const fresh = later.space(space);
    const snapshotOf = later.snapshot(bob, space, 1);
    expect(snapshotOf.events).toHaveLength(1);
    expect(fresh.events).toHaveLength(5);
    await later.open(bob, space, 1);
    await later.older(bob, space, 10);
    expect(bob.lines(space)).toEqual(['1 (created)', '3 first', '4 second']);
  });
});

describe('a message with a lifetime', () => {
  it('is gone when its time is over, also after a restart', async () => {
    const space = await world.create(ada, [bob]);
    const lasting = await ada.send(world, space, 'stays');
    await world.sync(ada, space);
    const { event } = await world.envelope(space, await brief(space, lasting, 'an hour'));
    const second = await world.envelope(space, await brief(space, lasting, 'an hour ago'));
    second.event.acceptedAt = Date.now() - 3_700_000;
    await world.sync(bob, space);
    expect(bob.lines(space).slice(1)).toEqual(['3 stays', '4 an hour']);
    expect(bob.view(space).expires).toBe(event.acceptedAt + 3_600_000);
    vi.useFakeTimers({ toFake: ['Date'], now: event.acceptedAt + 3_600_000 });
    bob.take(await bob.keeper.expire());
    expect(bob.lines(space).slice(1)).toEqual(['3 stays']);
    vi.useRealTimers();
    await bob.restart();
    const { spaces } = await bob.keeper.load();
    expect(spaces.find(({ view }) => view.space === space)?.items).toHaveLength(2);
  });

  async function brief(space: string, like: Bytes, text: string): Promise<Bytes> {
    const { device, memberBytes } = await ada.keyring();
    const { header } = await parseEnvelope(like);
    const key = (await ada.branch(space, header.epoch.n, 1)) ?? new Uint8Array(32);
    const now = Date.now();
    const id = makeEnvelopeId(now, randomBytes(10));
    const { head } = world.space(space);
    return (await sealEnvelope({ ...header, member: memberBytes, id, seen: head, b: 1, time: now }, messageContent(text), key, device.dk)).bytes;
  }
});

describe('earlier history', () => {
  it('is given to newcomers where it is shared, and only there', async () => {
    const space = await world.create(ada, [bob], { title: 'Open' });
    await ada.send(world, space, 'long ago');
    await world.sync(ada, space);
    await world.change(ada, space, { what: 'add', member: cem.id, role: 'WRITER' });
    expect(ada.view(space).answers).toEqual([]);
    expect(await ada.keeper.makeGrants(space, cem.id)).toEqual([]);
    await world.change(ada, space, { what: 'remove', member: cem.id });
    await world.change(ada, space, { what: 'policy', history: 'SHARED' });
    await world.change(ada, space, { what: 'add', member: cem.id, role: 'WRITER' });
    expect(ada.view(space).answers).toEqual([cem.id]);
    const [given] = await ada.keeper.makeGrants(space, cem.id);
    if (!given) throw new Error('There is something to give.');
    await world.open(cem, space);
    expect(cem.lines(space)).toContain(`4 [${REASONS.beforeJoining}]`);
    expect(await cem.keeper.missing(space)).toEqual([4, 3, 1]);
    world.space(space).grants.push({ to: cem.id, giver: ada.id, ...given });
    for (const n of [4, 3, 1]) await cem.keeper.learnEpoch(space, n, world.epochFor(cem, space, n));
    expect(await cem.keeper.retryEpochs(space, [4, 3, 1])).toBe(true);
    await world.open(cem, space, 50, true);
    expect(cem.lines(space)).toContain('4 long ago');
    expect(cem.view(space).title).toBe('Open');
  });
});

describe('an invite', () => {
  it('proves who used it, and pins the one who made it', async () => {
    const { fragment, tokenHash } = await ada.keeper.makeInvite();
    const { token, pin } = parseJoinFragment(fragment);
    if (!pin) throw new Error('This link pins its maker.');
    const dora = await world.person('dora', fragment, ada.id);
    const first = dora.identity.links[0]?.body ?? new Uint8Array();
    const mac = await inviteMac(pin.secret, token, pin.inviter, await hBody('member', first));
    await ada.keeper.learnIdentities([dora.identity]);
    const wrong = Uint8Array.from(mac, (byte, at) => (at === 0 ? byte ^ 1 : byte));
    expect(await ada.keeper.verifyInvites([{ tokenHash: randomBytes(32), mac, usedBy: dora.id }])).toEqual([null]);
    expect(await ada.keeper.verifyInvites([{ tokenHash, mac, usedBy: dora.id }])).toEqual([true]);
    const group = { type: 'GROUP' as const, people: [{ member: dora.id, role: 'WRITER' as const }], title: null, picture: null };
    expect((await ada.keeper.makeConversation(group)).state).toBeNull();
    // What only a lying server can bring about bars the member.
    expect(await ada.keeper.verifyInvites([{ tokenHash, mac: wrong, usedBy: dora.id }])).toEqual([false]);
    expect(await ada.keeper.verifyInvites([{ tokenHash, mac: null, usedBy: dora.id }])).toEqual([false]);
    await expect(ada.keeper.makeConversation(group)).rejects.toMatchObject({ code: 'FORK' });
    expect(await dora.keeper.unknownOf([ada.id])).toEqual([ada.id]);
    const impostor = await Person.make('impostor');
    await dora.keeper.learnIdentities([{ ...impostor.identity, person: ada.identity.person }]);
    expect(await dora.keeper.unknownOf([ada.id])).toEqual([ada.id]);
    await dora.keeper.learnIdentities([ada.identity]);
    expect(await dora.keeper.unknownOf([ada.id])).toEqual([]);
  });
});
