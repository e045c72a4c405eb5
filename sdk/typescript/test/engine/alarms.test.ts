/** What a person can do about an alarm: a server restored from a backup, one that omits a conversation, other keys. */
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { ALARMS } from '../../src/crypto/machine/reasons';
import type { OwnEntry } from '../../src/crypto';
import { World, type Person } from './world';

const says = (alarm: string): unknown => expect.stringMatching(new RegExp(`${alarm}$`));

describe('a server restored from a backup', () => {
  let world: World;
  let ada: Person;
  let bob: Person;
  let space: string;

  beforeAll(async () => {
    world = new World();
    ada = await world.person('ada');
    bob = await world.person('bob');
  });

  /** Ada wrote "one" and "three", Bob "two"; then the server forgets these and all that came after. */
  async function restored(options: Parameters<World['create']>[2] = { title: 'Tea' }): Promise<void> {
    space = await world.create(ada, [bob], options);
    const { length } = world.space(space).events;
    for (const [person, text] of [[ada, 'one'], [bob, 'two'], [ada, 'three']] as const) {
      await person.send(world, space, text);
      for (const other of [ada, bob]) await world.sync(other, space);
    }
    world.space(space).events.splice(length);
    for (const person of [ada, bob]) person.take([await person.keeper.checkHead(space, world.space(space).head.n, world.space(space).head.hash)]);
  }
  const level = async (person: Person) => {
    const { head } = world.space(space);
    const { change, ...found } = await person.keeper.level(space, head.n, head.hash);
    person.take([change]);
    return found;
  };
  const give = async (entry: OwnEntry | null) => {
    if (entry?.kind !== 'envelope') throw new Error('This is no message.');
    const { seq, item } = await world.envelope(space, entry.envelope);
    expect({ seq, item }).toEqual({ seq: entry.seq, item: entry.item });
  };
  const accept = async (person: Person) => {
    const snapshot = world.snapshot(person, space);
    const common = (await person.keeper.commonPoint(space, snapshot.events)) ?? 0;
    await world.satisfy(person, () => person.keeper.needsOf(snapshot, common));
    person.take(await person.keeper.acceptState(space, common, snapshot, world.identities([ada.id, bob.id])));
    return common;
  };
  const shownTexts = async (person: Person) => (await person.keeper.items(space, null, 50)).map(({ body }) => (body.kind === 'text' ? body.text : body.kind === 'notice' ? `(${body.notice.what})` : '?'));

  it('is told so, and gets back what each device has signed, in its place', async () => {
    await restored();
    expect(ada.view(space).alarm).toEqual(says(ALARMS.older));
    expect(ada.view(space).alarm).toContain('The server ends at entry 3, and this device has seen entry 6.');
    expect(await ada.keeper.alarmOf(space)).toMatchObject({ canOffer: true, canAccept: true });

    const first = await level(ada);
    expect(first).toMatchObject({ how: 'lost', next: { seq: 4 } });
    expect((await level(bob)).next).toBeNull();
    await give(first.next);
    expect((await level(ada)).next).toBeNull();
    await give((await level(bob)).next);
    await give((await level(ada)).next);
    for (const person of [ada, bob]) {
      expect(await level(person)).toEqual({ how: 'same', next: null });
      expect(person.view(space).alarm).toBeNull();
      expect(await person.keeper.alarmOf(space)).toBeNull();
    }
    await bob.send(world, space, 'four');
    await world.sync(ada, space);
    expect(ada.lines(space).at(-1)).toBe('7 four');
  });

  it('is gone on with where a person decides so, and what it lost stays here', async () => {
    await restored();
    expect(await accept(bob)).toBe(3);
    expect(bob.view(space)).toMatchObject({ alarm: null, head: 3 });
    await bob.send(world, space, 'anew');
    expect(await level(ada)).toMatchObject({ how: 'other', next: null });
    expect(ada.view(space).alarm).toEqual(says(ALARMS.fork));
    expect(await ada.keeper.alarmOf(space)).toMatchObject({ canOffer: false, canAccept: true });
    expect(await accept(ada)).toBe(3);
    const expected = ['(created)', '(kept)', 'one', 'two', 'three', '(kept-end)', 'anew'];
    expect(await shownTexts(ada)).toEqual(expected);
    expect(ada.lines(space).map((line) => line.replace(/^\S+ /, ''))).toEqual(expected);

    await ada.send(world, space, 'and on');
    await world.sync(bob, space);
    expect(bob.lines(space).at(-1)).toBe('5 and on');
    await ada.restart();
    await ada.keeper.load();
    expect(await shownTexts(ada)).toEqual([...expected, 'and on']);
    expect(await ada.keeper.alarmOf(space)).toBeNull();
  });

  it('is never believed about the own account by that decision', async () => {
    await restored();
    const other = await world.person('ada');
    ada.take(await ada.keeper.learnIdentities([{ ...other.identity, person: ada.identity.person }]));
    expect(ada.view(space).alarm).toEqual(says(ALARMS.older));
    await accept(ada);
    expect(ada.view(space).alarm).toContain('for your own account');
    expect(await ada.keeper.alarmOf(space)).toMatchObject({ canOffer: false, canAccept: false });
    await expect(accept(ada)).rejects.toMatchObject({ code: 'UNVERIFIED' });
    expect(await shownTexts(ada)).toEqual(['(created)', '(kept)', 'one', 'two', 'three', '(kept-end)']);
    world = new World();
    ada = await world.person('ada');
    bob = await world.person('bob');
  });

  it('shows a line where the log has it again', async () => {
    await restored();
    const { next } = await level(ada);
    await accept(bob);
    await accept(ada);
    await give(next);
    await world.sync(bob, space);
    expect(await shownTexts(bob)).toEqual(['(created)', '(kept)', 'two', 'three', '(kept-end)', 'one']);
    expect(bob.lines(space).filter((line) => line.endsWith(' one'))).toEqual(['4 one']);
  });

  it('follows another epoch of the same number after the decision, and never before', async () => {
    space = await world.create(ada, [bob], { title: 'Tea' });
    const links = world.space(space).links.length;
    await world.change(ada, space, { what: 'role', member: bob.id, role: 'ADMIN' });
    await world.sync(bob, space);
    await ada.send(world, space, 'under the second keys');
    await world.sync(bob, space);
    const there = world.space(space);
    there.events.splice(3);
    there.links.splice(links);
    there.epochs.splice(1);
    // Bob knows nothing of a restored backup here: he has accepted, and others have changed the list anew.
    bob.take([await bob.keeper.checkHead(space, there.head.n, there.head.hash)]);
    await accept(bob);
    expect(bob.view(space)).toMatchObject({ alarm: null, epoch: 1 });
    ada.take([await ada.keeper.checkHead(space, there.head.n, there.head.hash)]);
    await accept(ada);
    await world.change(ada, space, { what: 'role', member: bob.id, role: 'READER' });
    await world.sync(bob, space);
    await ada.send(world, space, 'under other second keys');
    await world.sync(bob, space);
    expect(bob.lines(space).at(-1)).toMatch(/ under other second keys$/);
    expect(bob.view(space)).toMatchObject({ alarm: null, epoch: 2 });
  });

  it('is not gone on with where what it shows does not verify', async () => {
    await restored();
    const lines = await shownTexts(ada);
    const there = world.space(space);
    const [link] = there.links;
    if (!link) throw new Error('A roster has a link.');
    there.links[0] = { ...link, signature: new Uint8Array(64).fill(7) };
    await expect(accept(ada)).rejects.toMatchObject({ code: 'UNVERIFIED' });
    there.links[0] = link;
    expect(await shownTexts(ada)).toEqual(lines);
    expect((await ada.keeper.alarmOf(space))?.text).toEqual(says(ALARMS.older));
    await ada.restart();
    expect(await shownTexts(ada)).toEqual(lines);
    expect(await accept(ada)).toBe(3);
  });

  it('offers nothing back that has expired', async () => {
    space = await world.create(ada, [bob], { title: 'Tea' });
    const [line] = (await ada.keeper.queueText(space, 'for an hour', 1)).items;
    const { envelope } = await ada.keeper.seal(line?.key ?? '', false);
    await world.envelope(space, envelope);
    await world.sync(ada, space);
    world.space(space).events.pop();
    expect((await level(ada)).next?.seq).toBe(4);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_700_000 });
    try {
      await ada.keeper.expire();
      expect((await level(ada)).next).toBeNull();
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a conversation that the server leaves out', () => {
  it('raises the alarm unless one was removed, and can be left', async () => {
    const world = new World();
    const [ada, bob, cem] = [await world.person('ada'), await world.person('bob'), await world.person('cem')];
    const talk = await world.create(ada, [bob, cem], { title: 'Tea' });
    const left = await world.create(ada, [bob], { title: 'Left' });
    await ada.send(world, talk, 'stays');
    await world.sync(bob, talk);
    await world.change(ada, left, { what: 'remove', member: bob.id });
    await world.sync(bob, left, world.space(left).events.filter(({ seq }) => seq > bob.view(left).head).slice(0, 1));
    expect(await bob.keeper.checkListed([talk])).toEqual([]);
    bob.take(await bob.keeper.checkListed([]));
    expect(bob.view(talk).alarm).toBe(ALARMS.omitted);
    expect(bob.view(left).alarm).toBeNull();
    expect(await bob.keeper.alarmOf(talk)).toEqual({ text: ALARMS.omitted, canOffer: false, canAccept: true });
    bob.take(await bob.keeper.acceptState(talk, 0, null, []));
    expect(bob.view(talk)).toMatchObject({ alarm: null, role: null });
    expect(bob.lines(talk)).toContain('4 stays');
    expect(await bob.keeper.checkListed([])).toEqual([]);
  });
});

describe('a member whose keys contradict those of before', () => {
  it('is trusted anew after a decision, everywhere', async () => {
    const world = new World();
    const [ada, bob, other] = [await world.person('ada'), await world.person('bob'), await world.person('bob')];
    const talks = [await world.create(ada, [bob], { title: 'One' }), await world.create(ada, [bob], { title: 'Two' })];
    const [one = '', two = ''] = talks;
    const fake = { ...other.identity, person: bob.identity.person };
    ada.take(await ada.keeper.learnIdentities([fake]));
    for (const talk of talks) expect(ada.view(talk).alarm).toContain('other keys for bob');
    expect(await ada.keeper.alarmOf(one)).toMatchObject({ canOffer: false, canAccept: true });
    await expect(ada.keeper.acceptState(one, 0, null, [fake])).rejects.toMatchObject({ code: 'UNVERIFIED' });
    expect((await ada.keeper.alarmOf(one))?.text).toContain('other keys for bob');
    ada.take(await ada.keeper.acceptState(one, 0, null, world.identities([ada.id, bob.id])));
    expect([ada.view(one).alarm, ada.view(two).alarm]).toEqual([null, null]);
    await ada.send(world, two, 'again');
  });

  it('is not spoken of as somebody else where it is the own account', async () => {
    const world = new World();
    const [ada, bob, other] = [await world.person('ada'), await world.person('bob'), await world.person('ada')];
    const talk = await world.create(ada, [bob], { title: 'One' });
    ada.take(await ada.keeper.learnIdentities([{ ...other.identity, person: ada.identity.person }]));
    const text =
      'The server shows other keys or devices for your own account than it did before. Do not trust what it shows of your account. If it was restored from a backup: ' +
      'sign in on another device or browser with your recovery key, and remove this device there.';
    expect(await ada.keeper.alarmOf(talk)).toEqual({ text, canOffer: false, canAccept: false });
    expect((await ada.keeper.account()).alarm).toBe(text);
    bob.take(await bob.keeper.learnIdentities([{ ...other.identity, person: ada.identity.person }]));
    expect(bob.view(talk).alarm).toContain('other keys for ada than it did before. Do not trust it until you have spoken to them.');
  });
});
