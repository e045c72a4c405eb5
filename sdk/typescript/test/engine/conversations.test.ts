import { describe, expect, it } from 'vitest';
import { REASONS } from '../../src/crypto/machine/reasons';
import { World } from './world';

describe('an honest server', () => {
  it('carries messages between members, titles and notices', async () => {
    const world = new World();
    const [ada, bob] = [await world.person('ada'), await world.person('bob')];
    const space = await world.create(ada, [bob], { title: 'Tea' });
    expect(bob.view(space)).toMatchObject({ title: 'Tea', role: 'WRITER', alarm: null, due: false });
    await ada.send(world, space, 'hello');
    await world.sync(bob, space);
    await bob.send(world, space, 'hello yourself');
    await world.sync(ada, space);
    expect(ada.lines(space)).toEqual(['1 (created)', '4 hello', '5 hello yourself']);
    expect(bob.lines(space)).toEqual(['1 (created)', '4 hello', '5 hello yourself']);
    expect(bob.view(space).unread).toBe(1);
    await bob.keeper.checkRecipients(space);
    expect(await bob.keeper.isEpochChecked(space)).toBe(true);
  });

  it('lets newcomers read what comes after them, and the removed nothing more', async () => {
    const world = new World();
    const [ada, bob, cem] = [await world.person('ada'), await world.person('bob'), await world.person('cem')];
    const space = await world.create(ada, [bob]);
    await ada.send(world, space, 'before');
    await world.sync(ada, space);
    await world.change(ada, space, { what: 'add', member: cem.id, role: 'WRITER' });
    await world.open(cem, space);
    await ada.send(world, space, 'welcome');
    await world.sync(cem, space);
    expect(cem.lines(space)).toEqual(['1 (created)', `3 [${REASONS.beforeJoining}]`, '4 (added)', '6 welcome']);
    expect(cem.view(space).hasOlder).toBe(false);
    await world.sync(ada, space);
    await world.change(ada, space, { what: 'remove', member: cem.id });
    await ada.send(world, space, 'gone');
    await world.sync(cem, space);
    expect(cem.view(space).role).toBeNull();
    expect(cem.lines(space).at(-1)).not.toContain('gone');
    await world.sync(bob, space);
    expect(bob.lines(space).at(-1)).toBe('9 gone');
  });

  it('loads history backwards, verified up to what is known', async () => {
    const world = new World();
    const [ada, bob] = [await world.person('ada'), await world.person('bob')];
    const space = await world.create(ada, [bob]);
    for (let n = 1; n <= 12; n += 1) {
      await ada.send(world, space, `message ${n}`);
      await world.sync(ada, space);
    }
    const late = new World();
    late.people.push(ada, bob);
    late.spaces.set(space, world.space(space));
    await late.open(bob, space, 4);
    expect(bob.view(space)).toMatchObject({ hasOlder: true, alarm: null });
    await late.older(bob, space, 4);
    await late.older(bob, space, 20);
    expect(bob.view(space)).toMatchObject({ hasOlder: false, alarm: null });
    expect(bob.lines(space)).toEqual(ada.lines(space));
  });

  it('keeps everything through a restart, and asks for the password', async () => {
    const world = new World();
    const [ada, bob] = [await world.person('ada'), await world.person('bob')];
    const space = await world.create(ada, [bob], { title: 'Tea' });
    await ada.send(world, space, 'hello');
    await world.sync(bob, space);
    expect(await bob.restart('not the password')).toBe(false);
    await expect(bob.keeper.load()).rejects.toMatchObject({ code: 'LOCKED' });
    expect(await bob.restart()).toBe(true);
    const { spaces, people, me } = await bob.keeper.load();
    expect(spaces[0]?.view).toMatchObject({ title: 'Tea', role: 'WRITER', unread: 1 });
    expect(spaces[0]?.items.map(({ body }) => body)).toContainEqual({ kind: 'text', text: 'hello' });
    expect(people.map(({ handle }) => handle).sort()).toEqual(['ada', 'bob']);
    expect(me?.handle).toBe('bob');
    expect(await bob.keeper.cursor()).toBe(`cursor-${space}-4`);
    await bob.send(world, space, 'still here');
    await world.sync(ada, space);
    expect(ada.lines(space).at(-1)).toBe('5 still here');
  });
});
