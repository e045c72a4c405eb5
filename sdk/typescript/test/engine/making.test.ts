/** Making a conversation: anew where somebody's keys have changed meanwhile, found again where the answer was lost. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Keeper, NewConversation } from '../../src/crypto';
import type { Api } from '../../src/engine/api';
import { Conversations } from '../../src/engine/conversations';
import type { Epochs } from '../../src/engine/epochs';
import type { Invites } from '../../src/engine/invites';
import type { Learner } from '../../src/engine/learner';
import type { Mending } from '../../src/engine/mending';
import type { Outbox } from '../../src/engine/outbox';
import type { Sync } from '../../src/engine/sync';
import { CircleFailure } from '../../src/errors';
import type { Board } from '../../src/state/board';

describe('making a conversation', () => {
  const makeConversation = vi.fn<() => Promise<NewConversation>>();
  const createConversation = vi.fn<(made: NewConversation) => Promise<string>>();
  const heads = vi.fn<() => Promise<{ space: string; node: string }[]>>();
  const learnMembers = vi.fn<(members: string[]) => Promise<void>>();
  const catchUp = vi.fn<(node: string) => Promise<void>>();
  let conversations: Conversations;
  const create = () => conversations.create({ type: 'GROUP', people: ['node-bob'], title: 'Tea' });

  beforeEach(() => {
    makeConversation.mockReset().mockResolvedValue({ space: 'tea' } as NewConversation);
    createConversation.mockReset().mockResolvedValue('node-tea');
    heads.mockReset().mockResolvedValue([]);
    learnMembers.mockReset().mockResolvedValue(undefined);
    catchUp.mockReset().mockResolvedValue(undefined);
    conversations = new Conversations({
      api: { createConversation, heads } as unknown as Api,
      keeper: { makeConversation } as unknown as Keeper,
      learner: { learnMembers, learnMe: () => Promise.resolve() } as unknown as Learner,
      sync: { catchUp } as unknown as Sync,
      epochs: {} as unknown as Epochs,
      outbox: {} as unknown as Outbox,
      invites: { refresh: () => Promise.resolve() } as unknown as Invites,
      mending: {} as unknown as Mending,
      board: { memberOf: () => 'bob' } as unknown as Board,
    });
  });

  it('learns keys anew where a log has told of a change that they have not followed yet', async () => {
    makeConversation.mockRejectedValueOnce(new CircleFailure('RECIPIENTS_CHANGED', 'A living key of a member is not known yet.'));
    await expect(create()).resolves.toBe('node-tea');
    expect(learnMembers.mock.calls).toEqual([[['bob']], [['bob']]]);
    expect(createConversation).toHaveBeenCalledTimes(1);
    expect(catchUp).toHaveBeenCalledWith('node-tea');
  });

  it.each(['RECIPIENTS_CHANGED', 'CHAIN_CONFLICT', 'STALE_DEVICE'] as const)('learns keys anew where the server says %s', async (code) => {
    createConversation.mockRejectedValueOnce(new CircleFailure(code, 'It has moved on.'));
    await expect(create()).resolves.toBe('node-tea');
    expect(learnMembers).toHaveBeenCalledTimes(2);
    expect(makeConversation).toHaveBeenCalledTimes(2);
  });

  it('gives up where keys change without end', async () => {
    makeConversation.mockRejectedValue(new CircleFailure('RECIPIENTS_CHANGED', 'A living key of a member is not known yet.'));
    await expect(create()).rejects.toMatchObject({ code: 'RECIPIENTS_CHANGED' });
    expect(makeConversation.mock.calls.length).toBeLessThan(10);
  });

  it('finds what was made although the answer was lost, and makes nothing twice', async () => {
    createConversation.mockRejectedValueOnce(new CircleFailure('OFFLINE', 'No answer.'));
    heads.mockResolvedValue([{ space: 'tea', node: 'node-tea' }]);
    await expect(create()).resolves.toBe('node-tea');
    expect(createConversation).toHaveBeenCalledTimes(1);
  });

  it('says why where nothing was made', async () => {
    createConversation.mockRejectedValueOnce(new CircleFailure('OFFLINE', 'No answer.'));
    await expect(create()).rejects.toMatchObject({ code: 'OFFLINE' });
    makeConversation.mockRejectedValueOnce(new CircleFailure('FORK', 'The server shows other keys for Bob than it did before.'));
    await expect(create()).rejects.toMatchObject({ code: 'FORK' });
    expect(createConversation).toHaveBeenCalledTimes(1);
  });
});
