/** New devices of a member: linked, recovered, and what a server or a wrong code may try (e2ee.md section 8). */
import { describe, expect, it } from 'vitest';
import type { Bytes } from '../../src/crypto/protocol/bytes';
import { codeOf } from '../../src/errors';
import { DeviceWorld, PAPER } from './deviceWorld';

async function codeOfFailure(task: Promise<unknown>): Promise<string> {
  try {
    await task;
  } catch (error) {
    return codeOf(error);
  }
  return 'nothing';
}

function flipped(bytes: Bytes): Bytes {
  return bytes.map((byte, index) => (index === bytes.length - 1 ? byte ^ 1 : byte));
}

describe('a new device', () => {
  it('is let in by twelve words or a QR code, reads what was written, and is read', async () => {
    const world = new DeviceWorld();
    const { device: ada } = await world.signUp('ada');
    const { device: bob } = await world.signUp('bob');
    const space = await world.create(ada, [bob]);
    await bob.send(world, space, 'before');
    await world.sync(ada, space);
    for (const code of ['words', 'qr'] as const) {
      const second = await world.link(ada, code);
      expect(second.lines(space).join()).toContain('before');
      await second.send(world, space, `from the ${code}`);
      await world.sync(bob, space);
      expect(bob.lines(space).join()).toContain(`from the ${code}`);
      expect(await second.restart()).toBe(true);
    }
    expect((await ada.keeper.ownKeys()).devices).toHaveLength(2);
  });

  it('is let in by the recovery key alone', async () => {
    const world = new DeviceWorld();
    const { device: ada, words } = await world.signUp('ada');
    const { device: bob } = await world.signUp('bob');
    const space = await world.create(ada, [bob]);
    await bob.send(world, space, 'hello');
    const again = await world.recover(ada, words);
    expect(again.lines(space).join()).toContain('hello');
    await again.send(world, space, 'back');
    await world.sync(bob, space);
    expect(bob.lines(space).join()).toContain('back');
  });

  it('goes on where it was after a crash between offer and answer', async () => {
    const world = new DeviceWorld();
    const { device: ada } = await world.signUp('ada');
    const account = world.account(ada);
    const { keeper, place } = await world.blank(ada);
    const { offer, device, wrapped } = await keeper.makeOffer(place);
    await keeper.lock();
    const { ticket } = await keeper.stretch('a long enough password', { salt: new Uint8Array(16), memoryKib: 65_536, iterations: 3, lanes: 1 });
    expect(await keeper.unlock({ member: ada.id, device, wrapped, database: place.database }, ticket)).toBe(true);
    expect(await keeper.newcomer()).toEqual({ how: 'link', device, offer });
    expect(await codeOfFailure(keeper.load())).toBe('LOCKED');
    expect(await codeOfFailure(keeper.enter(account.entry(device)))).toBe('NOT_LET_IN');
    const made = await ada.keeper.answerOffer(offer.words.join(' '), offer);
    await account.add(device, made);
    await keeper.enter(account.entry(device, { body: made.answer, mac: made.mac }));
    expect(await keeper.newcomer()).toBeNull();
    expect((await keeper.ownKeys()).device).toBe(device);
  });

  it('is not let in by a wrong code, a changed request, or for someone else', async () => {
    const world = new DeviceWorld();
    const { device: ada } = await world.signUp('ada');
    const { device: bob } = await world.signUp('bob');
    const { keeper, place } = await world.blank(ada);
    const { offer } = await keeper.makeOffer(place);
    const code = offer.words.join(' ');
    expect(await codeOfFailure(ada.keeper.answerOffer('these are no words', offer))).toBe('BAD_WORDS');
    expect(await codeOfFailure(ada.keeper.answerOffer(code, { ...offer, mac: flipped(offer.mac) }))).toBe('BAD_LINK');
    expect(await codeOfFailure(ada.keeper.answerOffer(code, { ...offer, request: flipped(offer.request) }))).toBe('BAD_LINK');
    expect(await codeOfFailure(bob.keeper.answerOffer(code, offer))).toBe('BAD_LINK');
  });

  it('does not believe another answer, another history, or a device that the chain does not name', async () => {
    const world = new DeviceWorld();
    const { device: ada } = await world.signUp('ada');
    const account = world.account(ada);
    const { keeper, place } = await world.blank(ada);
    const { offer, device } = await keeper.makeOffer(place);
    const made = await ada.keeper.answerOffer(offer.qr, offer);
    const answer = { body: made.answer, mac: made.mac };
    // The server has not stored the link that the answer speaks of: it shows an older state.
    expect(await codeOfFailure(keeper.enter(account.entry(device, answer)))).toBe('FORK');
    await account.add(device, made);
    expect(await codeOfFailure(keeper.enter(account.entry(device, { ...answer, mac: flipped(answer.mac) })))).toBe('BAD_LINK');
    expect(await codeOfFailure(keeper.enter(account.entry(device, { ...answer, body: flipped(answer.body) })))).toBe('BAD_LINK');
    const behind = { ...account.entry(device, answer), account: { head: 0, headHash: new Uint8Array(32) } };
    expect(await codeOfFailure(keeper.enter(behind))).toBe('FORK');
    const other = { ...behind, account: { head: 1, headHash: new Uint8Array(32) } };
    expect(await codeOfFailure(keeper.enter(other))).toBe('FORK');
    const stranger = world.account((await world.signUp('eve')).device);
    expect(await codeOfFailure(keeper.enter({ ...account.entry(device, answer), identity: stranger.identity }))).toBe('UNTRUSTED');
    await keeper.enter(account.entry(device, answer));
  });

  it('refuses wrong words, a replaced box, and a chain of other recovery keys', async () => {
    const world = new DeviceWorld();
    const { device: ada, words } = await world.signUp('ada');
    const { words: others } = await world.signUp('bob');
    const account = world.account(ada);
    const { identity } = account;
    const box = account.keyBox(PAPER);
    if (!box) throw new Error('There is a box for the recovery key.');
    const { keeper, place } = await world.blank(ada);
    expect(await codeOfFailure(keeper.makeRecovery({ ...place, words: words.slice(1), identity, box }))).toBe('BAD_WORDS');
    expect(await codeOfFailure(keeper.makeRecovery({ ...place, words: others, identity, box }))).toBe('WRONG_RECOVERY_KEY');
    expect(await codeOfFailure(keeper.makeRecovery({ ...place, words, identity, box: { ...box, box: flipped(box.box) } }))).toBe('UNTRUSTED');
    const { request, device } = await keeper.makeRecovery({ ...place, words, identity, box });
    expect(await codeOfFailure(keeper.enter(account.entry(device)))).toBe('NOT_LET_IN');
    await account.recover(device, request);
    await keeper.enter(account.entry(device));
    expect((await keeper.ownKeys()).generation).toBe(1);
  });
});
