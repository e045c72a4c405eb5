/** What a server that lies, or a member who cheats, gets: a reason in the message's place, or an alarm that stops sending. */
import { describe, expect, it } from 'vitest';
import { toHex, type Bytes } from '../../src/bytes';
import type { LogEvent } from '../../src/crypto';
import { ALARMS, REASONS } from '../../src/crypto/machine/reasons';
import { decode, encode, type Value } from '../../src/crypto/protocol/cbor';
import { hBody, signBody } from '../../src/crypto/protocol/labels';
import { nextHash } from '../../src/crypto/protocol/log';
import { sha256 } from '../../src/crypto/protocol/primitives';
import { Person, World } from './world';

/** What differs is told first; the sentence of its kind ends it. */
const says = (alarm: string): unknown => expect.stringMatching(new RegExp(`${alarm}$`));

interface Three {
  world: World;
  ada: Person;
  bob: Person;
  cem: Person;
  space: string;
}

let known: Promise<Omit<Three, 'space'>> | null = null;

async function meet(): Promise<Omit<Three, 'space'>> {
  const world = new World();
  return { world, ada: await world.person('ada'), bob: await world.person('bob'), cem: await world.person('cem') };
}

/** A new group of the same three people; of others where the test turns them against each other. */
async function three(isFresh = false): Promise<Three> {
  const people = await (isFresh ? meet() : (known ??= meet()));
  const { world, ada, bob, cem } = people;
  return { ...people, space: await world.create(ada, [bob, cem], { title: 'Tea' }) };
}

/** An envelope with one of its four parts changed. */
function changed(envelope: Bytes, part: 1 | 2 | 3): Bytes {
  const parts = [...(decode(envelope) as Value[])];
  const bytes = Uint8Array.from(parts[part] as Bytes);
  bytes[5] = (bytes[5] ?? 0) ^ 1;
  parts[part] = bytes;
  return encode(parts);
}

async function queued(person: Person, space: string, text: string): Promise<Bytes> {
  const change = await person.keeper.queueText(space, text);
  return (await person.keeper.seal(change.items[0]?.key ?? '', false)).envelope;
}

describe('messages', () => {
  it('that were changed on the way are refused in their place', async () => {
    const { world, ada, bob, space } = await three();
    const envelope = await queued(ada, space, 'pay 10');
    for (const part of [1, 2, 3] as const) {
      await world.envelope(space, changed(envelope, part));
    }
    await world.sync(bob, space);
    expect(bob.lines(space).slice(1)).toEqual([`4 [${REASONS.stranger}]`, `5 [${REASONS.stranger}]`, `6 [${REASONS.stranger}]`]);
    expect(bob.view(space)).toMatchObject({ alarm: null, unread: 0 });
  });

  it('whose bytes are not those that the log names are refused', async () => {
    const { world, ada, bob, space } = await three();
    const first = await world.envelope(space, await queued(ada, space, 'one'));
    const other = await queued(ada, space, 'two');
    first.event.body = { kind: 'envelope', envelope: other };
    await world.sync(bob, space);
    expect(bob.lines(space).at(-1)).toBe(`4 [${REASONS.changed}]`);
  });

  it('that come twice are refused the second time', async () => {
    const { world, ada, bob, space } = await three();
    const envelope = await ada.send(world, space, 'once');
    await world.envelope(space, envelope);
    await world.sync(bob, space);
    expect(bob.lines(space).slice(1)).toEqual(['4 once', `5 [${REASONS.twice}]`]);
  });

  it('of a removed member under the old keys are refused', async () => {
    const { world, ada, bob, cem, space } = await three();
    const late = await queued(cem, space, 'let me in');
    await world.change(ada, space, { what: 'remove', member: cem.id });
    await world.envelope(space, late);
    await world.sync(bob, space);
    expect(bob.lines(space).at(-1)).toBe(`6 [${REASONS.late}]`);
  });

  it('between a change of members and the new keys are refused', async () => {
    const { world, ada, bob, cem, space } = await three();
    await world.roster(space, await ada.keeper.makeRosterLink(space, { what: 'remove', member: cem.id }));
    await world.envelope(space, await queued(bob, space, 'too late'));
    await world.sync(ada, space);
    expect(ada.lines(space).at(-1)).toBe(`5 [${REASONS.late}]`);
    expect(ada.view(space).due).toBe(true);
    // Whatever the server says: the log holds what made the next epoch due.
    expect((await ada.keeper.markNotDue(space)).view.due).toBe(true);
    await world.renew(ada, space);
    expect((await ada.keeper.markDue(space)).view.due).toBe(true);
    expect((await ada.keeper.markNotDue(space)).view.due).toBe(false);
  });

  it('of a reader are refused', async () => {
    const { world, ada, bob, cem } = await three();
    const space = await world.create(ada, [bob, cem], { type: 'BROADCAST', role: 'READER' });
    await world.envelope(space, await queued(bob, space, 'may I?'));
    await world.sync(cem, space);
    expect(cem.lines(space).at(-1)).toBe(`3 [${REASONS.notAllowed}]`);
  });
});

describe('the log', () => {
  it('that does not chain raises the alarm and stops', async () => {
    const { world, ada, bob, space } = await three();
    await ada.send(world, space, 'one');
    const [event] = world.space(space).events.slice(-1);
    const forged: LogEvent = { ...(event as LogEvent), logHash: new Uint8Array(32).fill(7) };
    await world.sync(bob, space, [forged]);
    expect(bob.view(space)).toMatchObject({ alarm: says(ALARMS.fork), head: 3 });
    await bob.restart();
    const { spaces } = await bob.keeper.load();
    expect(spaces.find(({ view }) => view.space === space)?.view.alarm).toEqual(says(ALARMS.fork));
  });

  it('that shows two members two histories is found out by the next message across', async () => {
    const { world, ada, bob, cem, space } = await three();
    const toBob = await world.envelope(space, await queued(ada, space, 'meet at ten'));
    await world.sync(bob, space, [toBob.event]);
    // Another entry at the same place, for Cem alone.
    world.space(space).events.pop();
    await world.envelope(space, await queued(ada, space, 'meet at noon'));
    await world.sync(cem, space);
    const answer = await queued(cem, space, 'fine');
    world.space(space).events.pop();
    world.space(space).events.push(toBob.event);
    await world.envelope(space, answer);
    await world.sync(bob, space);
    expect(bob.view(space).alarm).toEqual(says(ALARMS.fork));
    expect(bob.lines(space).at(-1)).toBe(`5 [${REASONS.fork}]`);
  });

  it('that withholds a removal is found out', async () => {
    const { world, ada, bob, cem, space } = await three();
    await world.change(ada, space, { what: 'remove', member: cem.id });
    await ada.send(world, space, 'without Cem');
    const events = world.space(space).events;
    const withheld: LogEvent[] = [];
    let head = { n: 3, hash: events[2]?.logHash ?? new Uint8Array() };
    for (const event of events.slice(4)) {
      head = { n: head.n + 1, hash: await nextHash(head.hash, head.n + 1, event.item) };
      withheld.push({ ...event, seq: head.n, logHash: head.hash });
    }
    await world.sync(bob, space, withheld);
    expect(bob.view(space).alarm).not.toBeNull();
    expect(bob.lines(space)).not.toContain('5 without Cem');
  });

  it('that lost an own message is found out', async () => {
    const { world, ada, bob, space } = await three();
    await ada.send(world, space, 'mine');
    world.space(space).events.pop();
    await bob.send(world, space, 'instead');
    await world.sync(ada, space);
    expect(ada.view(space).alarm).toEqual(says(ALARMS.moved));
  });

  it('whose older pages do not lead up to what is known raises the alarm', async () => {
    const { world, ada, bob, space } = await three();
    for (const text of ['one', 'two', 'three', 'four']) {
      await ada.send(world, space, text);
      await world.sync(ada, space);
    }
    const other = new World();
    other.people.push(...world.people);
    other.spaces.set(space, world.space(space));
    await other.open(bob, space, 2);
    const events = world.space(space).events.map((event, index) => (index === 3 ? { ...event, item: new Uint8Array(32) } : event));
    await other.older(bob, space, 50, events);
    expect(bob.view(space).alarm).toEqual(says(ALARMS.fork));
    expect(bob.lines(space)).not.toContain('5 two');
  });
});

describe('members and keys', () => {
  it('a roster link that its signer may not make raises the alarm', async () => {
    const { world, ada, bob, cem, space } = await three();
    await expect(bob.keeper.makeRosterLink(space, { what: 'remove', member: cem.id })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const link = await ada.keeper.makeRosterLink(space, { what: 'remove', member: cem.id });
    const signature = Uint8Array.from(link.signature);
    signature[0] = (signature[0] ?? 0) ^ 1;
    await world.roster(space, { ...link, signature });
    await world.sync(bob, space);
    expect(bob.view(space)).toMatchObject({ alarm: ALARMS.roster });
    expect(bob.view(space).roster).toHaveLength(3);
  });

  it('another chain for a member raises the alarm where that member is', async () => {
    const { ada, bob, space } = await three(true);
    const impostor = await Person.make('impostor');
    const forged = { ...impostor.identity, person: bob.identity.person };
    ada.take(await ada.keeper.learnIdentities([forged]));
    expect(ada.view(space).alarm).toContain('bob');
    await expect(ada.keeper.checkRecipients(space)).rejects.toMatchObject({ code: 'FORK' });
    await expect(ada.keeper.makeEpoch(space)).rejects.toMatchObject({ code: 'FORK' });
  });

  it('an epoch whose list is not the announced one is not taken', async () => {
    const { world, ada, bob, cem, space } = await three();
    await world.roster(space, await ada.keeper.makeRosterLink(space, { what: 'remove', member: cem.id }));
    await world.sync(ada, space);
    const made = await ada.keeper.makeEpoch(space);
    await world.epoch(space, { ...made, recipients: encode((decode(made.recipients) as Value[]).slice(1)) });
    await world.sync(bob, space);
    await expect(bob.keeper.checkRecipients(space)).rejects.toMatchObject({ code: 'NO_KEY' });
  });

  it('an epoch that a member made for others than the roster says is not sent under', async () => {
    const { world, ada, bob, cem, space } = await three();
    await world.roster(space, await ada.keeper.makeRosterLink(space, { what: 'role', member: bob.id, role: 'ADMIN' }));
    await world.sync(ada, space);
    await forge(world, ada, space, (rows) => rows.filter(([member]) => hex(member) !== cem.id));
    await world.sync(bob, space);
    expect(bob.view(space)).toMatchObject({ alarm: null, due: false });
    await expect(bob.keeper.checkRecipients(space)).rejects.toMatchObject({ code: 'RECIPIENTS_CHANGED' });
    expect(await bob.keeper.isEpochChecked(space)).toBe(false);
  });

  it('an announcement with a bad signature is not taken', async () => {
    const { world, ada, bob, cem, space } = await three();
    await world.roster(space, await ada.keeper.makeRosterLink(space, { what: 'remove', member: cem.id }));
    await world.sync(ada, space);
    const made = await ada.keeper.makeEpoch(space);
    await world.epoch(space, { ...made, signature: Uint8Array.from(made.signature, (byte, at) => (at === 0 ? byte ^ 1 : byte)) });
    await world.sync(bob, space);
    expect(bob.view(space)).toMatchObject({ alarm: ALARMS.unverified, due: true });
  });

  it('another seal than the announced one raises the alarm', async () => {
    const { world, ada, bob, cem, space } = await three();
    await world.change(ada, space, { what: 'remove', member: cem.id });
    const epoch = world.space(space).epochs.at(-1);
    if (epoch) epoch.seals = epoch.seals.map((seal) => Uint8Array.from(seal, (byte, at) => (at === 1100 ? byte ^ 1 : byte)));
    await world.sync(bob, space);
    expect(bob.view(space).alarm).toBe(ALARMS.seal);
  });

  it('a seal that is listed but does not open is complained of', async () => {
    const { world, ada, bob, cem, space } = await three();
    await world.roster(space, await ada.keeper.makeRosterLink(space, { what: 'remove', member: cem.id }));
    await world.sync(ada, space);
    await forge(world, ada, space, (rows) => rows, bob);
    await world.sync(bob, space);
    expect(bob.view(space).alarm).toBeNull();
    const next = await bob.keeper.takeComplaint(space);
    if (!next) throw new Error('There is a complaint to make.');
    const { complaint } = next;
    await expect(bob.keeper.checkRecipients(space)).rejects.toMatchObject({ code: 'NO_KEY', message: REASONS.leftOut });
    await world.append(space, await hBody('complaint', complaint.body), { kind: 'complaint', ...complaint });
    await world.sync(bob, space);
    await world.sync(ada, space);
    expect([bob.view(space).due, ada.view(space).due]).toEqual([true, true]);
    expect(await bob.keeper.takeComplaint(space)).toBeNull();
    // Whoever makes the next epoch first gives the complainer what was denied.
    expect(ada.view(space).owes).toEqual([bob.id]);
    expect(await ada.keeper.makeGrants(space, cem.id)).toEqual([]);
    const [given] = await ada.keeper.makeGrants(space, bob.id);
    if (!given) throw new Error('There is something to give.');
    world.space(space).grants.push({ to: bob.id, giver: ada.id, ...given });
    await ada.keeper.repaid(space, bob.id);
    expect(await bob.keeper.missing(space)).toEqual([2]);
    await bob.keeper.learnEpoch(space, 2, world.epochFor(bob, space, 2));
    expect(await bob.keeper.retryEpochs(space, [2])).toBe(true);
    await world.renew(ada, space);
    await world.sync(bob, space);
    await ada.send(world, space, 'better');
    await world.sync(bob, space);
    expect(bob.lines(space).at(-1)).toContain('better');
  });
});

function hex(value: Value | undefined): string {
  return value instanceof Uint8Array ? toHex(value) : '';
}

/** An epoch with another list, or with a seal that holds nothing, truly signed by its maker. */
async function forge(world: World, maker: Person, space: string, alter: (rows: Value[][]) => Value[][], victim?: Person): Promise<void> {
  const made = await maker.keeper.makeEpoch(space);
  const all = (decode(made.recipients) as Value[][]).map((row) => [...row]);
  const seals = await Promise.all(
    made.seals.map(async (seal, index) => {
      const row = all[index];
      if (!row || hex(row[0]) !== victim?.id) return seal;
      const broken = Uint8Array.from(seal, (byte, at) => (at === 1100 ? byte ^ 1 : byte));
      row[5] = await sha256(broken);
      return broken;
    }),
  );
  const rows = alter(all);
  const recipients = encode(rows);
  const body = decode(made.announcement) as Map<number, Value>;
  body.set(5, await hBody('recipients', recipients));
  const announcement = encode(body);
  const signature = await signBody((await maker.keyring()).device.dk, 'epoch', announcement);
  await world.epoch(space, { announcement, recipients, seals: seals.filter((_, index) => rows.includes(all[index] ?? [])), signature });
  await world.sync(maker, space);
}
