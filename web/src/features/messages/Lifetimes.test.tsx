import { act, screen, waitFor, within } from '@testing-library/react';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { useCircle, type ConversationState, type TimelineItem } from '../../circle';
import { createFakeClient, FakeError } from '../../dev/fakeClient';
import { bob } from '../../dev/people';
import { fullState } from '../../dev/samples';
import { renderView } from '../../test/render';
import { Conversation } from './Conversation';
import { useDrafts } from './drafts';

const BOB = 'conversation-2';
const HOUR = 3_600_000;

function Live() {
  const conversation = useCircle((state) => state.conversations[BOB]);
  return conversation && <Conversation conversation={conversation} onBack={vi.fn()} detailsOpen={false} onDetails={vi.fn()} />;
}

function open(part: Partial<ConversationState> = {}) {
  const state = fullState();
  const one = state.conversations[BOB];
  if (one) state.conversations[BOB] = { ...one, ...part };
  const client = createFakeClient({ state });
  const send = vi.spyOn(client, 'send');
  return { ...renderView(<Live />, { client }), send };
}

function message(text: string, expiresAt: number | null, part: Partial<TimelineItem> = {}): TimelineItem {
  return { key: text, seq: 7, time: Date.now() - 60_000, sender: bob, mine: false, body: { kind: 'text', text }, state: 'sent', receipt: null, expiresAt, lifetime: expiresAt === null ? 0 : 1, ...part };
}
const messages = () => screen.getByRole('list', { name: 'Messages' });

beforeEach(() => useDrafts.getState().clear());

describe('the next message', () => {
  it('can be given a shorter life, once', async () => {
    const { user, send } = open();
    await user.click(await screen.findByRole('button', { name: 'The next message stays. Choose when it disappears' }));
    await user.click(await screen.findByRole('menuitemradio', { name: 'After 8 hours' }));
    await waitFor(() => expect(screen.getByLabelText('Message')).toHaveFocus());
    expect(screen.getByText('The next message disappears after 8 hours')).toBeInTheDocument();
    await user.keyboard('secret{Enter}');
    expect(send).toHaveBeenLastCalledWith(BOB, 'secret', { lifetime: 2 });
    await user.keyboard('and this stays{Enter}');
    expect(send).toHaveBeenLastCalledWith(BOB, 'and this stays');
  });

  it('can only live shorter than the conversation lets messages live', async () => {
    const { user } = open({ lifetime: 3 });
    await user.click(await screen.findByRole('button', { name: 'The next message disappears after 1 day. Change that' }));
    const choices = await screen.findAllByRole('menuitemradio');
    expect(choices.map((one) => one.textContent)).toEqual(['After 1 day, like the others here', 'After 1 hour', 'After 8 hours']);
    expect(choices[0]).toBeChecked();
  });

  it('gets the conversation’s life when that has become the shorter one', async () => {
    const { user, send, client } = open();
    await user.click(await screen.findByRole('button', { name: /^The next message stays/ }));
    await user.click(await screen.findByRole('menuitemradio', { name: 'After 7 days' }));
    await act(() => client.policy.set(BOB, { lifetime: 2 }));
    await user.type(screen.getByLabelText('Message'), 'hello{Enter}');
    expect(send).toHaveBeenLastCalledWith(BOB, 'hello');
  });

  it('keeps its life with its words when it could not get in line', async () => {
    const { user, send } = open();
    send.mockRejectedValueOnce(new FakeError('This browser has no room left.'));
    await user.click(await screen.findByRole('button', { name: /^The next message stays/ }));
    await user.click(await screen.findByRole('menuitemradio', { name: 'After 1 hour' }));
    await waitFor(() => expect(screen.getByLabelText('Message')).toHaveFocus());
    await user.keyboard('precious{Enter}');
    expect(await screen.findByText('This browser has no room left.')).toBeVisible();
    expect(screen.getByRole('button', { name: 'The next message disappears after 1 hour. Change that' })).toBeVisible();
  });
});

describe('a message that disappears', () => {
  it('says when, for the eye and for the ear', async () => {
    open({ items: [message('soon gone', Date.now() + HOUR / 2 - 1000), message('stays', null, { seq: 8, mine: true })] });
    const row = (await within(await screen.findByRole('list', { name: 'Messages' })).findByText('soon gone')).closest('li');
    expect(row).toHaveTextContent('30 min');
    expect(row).toHaveTextContent('Disappears in 30 minutes');
    expect(within(messages()).getByText('stays').closest('li')).not.toHaveTextContent('Disappears');
  });

  it('says for how long while it is being sent', async () => {
    open({ items: [message('on its way', null, { seq: null, mine: true, state: 'sending', lifetime: 1 })] });
    const row = (await within(await screen.findByRole('list', { name: 'Messages' })).findByText('on its way')).closest('li');
    expect(row).toHaveTextContent('Disappears 1 hour after it is sent');
  });

  it('tells each one of a group, and the time in words below the last', async () => {
    const end = Date.now() + HOUR / 2 - 1000;
    open({ items: [message('one', end), message('two', end, { seq: 8 }), message('another life', end, { seq: 9, lifetime: 2 })] });
    const row = async (text: string) => (await within(await screen.findByRole('list', { name: 'Messages' })).findByText(text)).closest('li');
    expect(await row('one')).toHaveTextContent('Disappears in 30 minutes');
    expect(await row('one')).not.toHaveTextContent('30 min ');
    expect(await row('two')).toHaveTextContent(/30 minDisappears in 30 minutes/);
    expect(await row('another life')).toHaveTextContent(/30 minDisappears in 30 minutes/);
  });

  it('is gone when its time has come, without a word, from the spoken lines as well', async () => {
    const { client } = open({ items: [message('first', null)] });
    await within(await screen.findByRole('list', { name: 'Messages' })).findByText('first');
    const live = screen.getByRole('log', { name: 'New messages' });
    const set = (items: TimelineItem[]) =>
      act(() =>
        client.store.setState((state) => {
          const one = state.conversations[BOB];
          return one ? { conversations: { ...state.conversations, [BOB]: { ...one, items } } } : state;
        }),
      );
    set([message('first', null), message('a secret', Date.now() + 1500, { seq: 8 })]);
    expect(live).toHaveTextContent('Bob Okafor: a secret');
    expect(within(messages()).getByText('a secret')).toBeVisible();
    // Nobody deletes it: the page itself knows what time it is.
    await waitFor(() => expect(within(messages()).queryByText('a secret')).not.toBeInTheDocument(), { timeout: 5000 });
    set([message('first', null)]);
    await waitFor(() => expect(live).toBeEmptyDOMElement());
    expect(within(messages()).getByText('first')).toBeVisible();
  });

  it('closes behind itself, out of reach, before it is gone', async () => {
    const { client } = open({ items: [message('first', null), message('fading', Date.now() + HOUR, { seq: 8 })] });
    await within(await screen.findByRole('list', { name: 'Messages' })).findByText('fading');
    act(() =>
      client.store.setState((state) => {
        const one = state.conversations[BOB];
        return one ? { conversations: { ...state.conversations, [BOB]: { ...one, items: [message('first', null)] } } } : state;
      }),
    );
    expect(within(messages()).getByText('fading').closest('[inert]')).toBeInTheDocument();
    await waitFor(() => expect(within(messages()).queryByText('fading')).not.toBeInTheDocument());
  });
});

it('says in the header that messages disappear', async () => {
  open({ lifetime: 4 });
  expect(await screen.findByText('Messages disappear after 7 days')).toBeInTheDocument();
});
