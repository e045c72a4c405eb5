/** The same conversations with a member on the Python SDK: `tests/e2e/test_typescript_sdk.py` runs it meanwhile. */
import { afterAll, describe, expect, it } from 'vitest';
import type { Client } from '../../src/engine/client';
import { allSent, browser, conversation, notices, personIn, SETUP_TOKEN, signUp, texts, unreadable, until } from './people';

describe('a member on the Python SDK', () => {
  let tess: Client;
  afterAll(() => { tess.stop(); });

  it('talks, is talked to, gives earlier history and keeps secrets from the removed', async () => {
    tess = browser('tess');
    await signUp(tess, SETUP_TOKEN, 'tess', 'Tess');
    const [ada] = await tess.searchPeople('ada');
    const direct = await tess.createConversation({ type: 'DIRECT', people: [ada?.id ?? ''] });
    await tess.send(direct, 'Grüße 🙂');
    await until(() => texts(tess, direct).includes('You said: Grüße 🙂'), 'the answer from Python');

    await tess.send(direct, 'make a group');
    await until(() => Object.values(tess.store.getState().conversations).some(({ title }) => title === 'Shared'), 'the group made by Python');
    const group = Object.values(tess.store.getState().conversations).find(({ title }) => title === 'Shared')?.id ?? '';
    // What was said before the joining: its keys are given a moment after the adding.
    await until(() => {
      void tess.openConversation(group);
      return texts(tess, group).join() === 'early 0,early 1,early 2';
    }, 'the earlier history');
    expect(unreadable(tess, group)).toEqual([]);
    expect(notices(tess, group)).toEqual(['Ada made this group', 'Ada added you']);

    // The server counts the hours of an epoch: only its answer tells that the next one is due.
    await tess.send(group, 'age the keys');
    await until(() => texts(tess, direct).includes('aged'), 'the ageing');
    await tess.send(group, 'rename');
    await until(() => conversation(tess, group).title === 'Renamed', 'the new title');
    await tess.setTitle(group, 'From Tess').then(
      () => expect.unreachable('a writer changes no title'),
      (error: unknown) => { expect(error).toMatchObject({ code: 'FORBIDDEN' }); },
    );
    await tess.send(group, 'remove me');
    await until(() => conversation(tess, group).role === null, 'the removal by Python');
    await tess.send(direct, 'still friends?');
    await until(() => texts(tess, direct).includes('You said: still friends?'), 'the answer after the removal');
    await allSent(tess, direct);
    expect(conversation(tess, direct)).toMatchObject({ title: 'Ada', alarm: null });
    expect(personIn(tess, direct, 'ada')).toBe(ada?.id);
  });
});
