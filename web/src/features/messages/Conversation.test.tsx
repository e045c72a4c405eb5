import { act, screen, waitFor, within } from '@testing-library/react';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { useCircle, type ConversationState } from '../../circle';
import { createFakeClient, FakeError, type Scene } from '../../dev/fakeClient';
import { bob } from '../../dev/people';
import { fullState } from '../../dev/samples';
import { renderView } from '../../test/render';
import { Conversation } from './Conversation';
import { useDrafts } from './drafts';

function Live({ id }: { id: string }) {
  const conversation = useCircle((state) => state.conversations[id]);
  return conversation && <Conversation key={id} conversation={conversation} onBack={vi.fn()} detailsOpen={false} onDetails={vi.fn()} />;
}

const BOOKS = 'conversation-1';
const BOB = 'conversation-2';
const NEWS = 'conversation-3';

function open(id: string, scene: Scene = {}) {
  const client = createFakeClient(scene);
  const send = vi.spyOn(client, 'send');
  return { ...renderView(<Live id={id} />, { client }), send };
}

/** Nothing older is there to be loaded: nothing has a height here, so that nothing would end it. */
function openWhole(id: string) {
  const state = fullState();
  const known = state.conversations[id];
  if (known) state.conversations[id] = { ...known, hasOlder: false };
  return open(id, { state });
}
const messages = () => screen.getByRole('list', { name: 'Messages' });

beforeEach(() => useDrafts.getState().clear());

describe('the composer', () => {
  it('sends with Enter and empties itself', async () => {
    const { user, send } = open(BOB);
    await user.type(await screen.findByLabelText('Message'), '  Hello there {Enter}');
    expect(send).toHaveBeenCalledExactlyOnceWith(BOB, 'Hello there');
    expect(screen.getByLabelText('Message')).toHaveValue('');
    expect(await within(messages()).findByText('Hello there')).toBeVisible();
  });

  it('begins a new line with Shift+Enter', async () => {
    const { user, send } = open(BOB);
    await user.type(await screen.findByLabelText('Message'), 'one{Shift>}{Enter}{/Shift}two');
    expect(send).not.toHaveBeenCalled();
    expect(screen.getByLabelText('Message')).toHaveValue('one\ntwo');
  });

  it('leaves Enter to an input method that is composing', async () => {
    const { send } = open(BOB);
    const field = await screen.findByLabelText('Message');
    act(() => useDrafts.getState().setDraft(BOB, 'にほん'));
    act(() => void field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, isComposing: true })));
    expect(send).not.toHaveBeenCalled();
  });

  it('sends nothing that is empty', async () => {
    const { user, send } = open(BOB);
    expect(await screen.findByRole('button', { name: 'Send' })).toBeDisabled();
    await user.type(screen.getByLabelText('Message'), '   {Enter}');
    expect(send).not.toHaveBeenCalled();
  });

  it('keeps a draft per conversation', async () => {
    const first = open(BOB);
    await first.user.type(await screen.findByLabelText('Message'), 'not yet');
    first.unmount();
    const second = open(BOOKS);
    expect(await screen.findByLabelText('Message')).toHaveValue('');
    second.unmount();
    open(BOB);
    expect(await screen.findByLabelText('Message')).toHaveValue('not yet');
  });

  it('gives the words back when they could not get in line', async () => {
    const { user, send } = open(BOB);
    send.mockRejectedValueOnce(new FakeError('This browser has no room left.'));
    await user.type(await screen.findByLabelText('Message'), 'precious{Enter}');
    expect(await screen.findByText('This browser has no room left.')).toBeVisible();
    expect(screen.getByLabelText('Message')).toHaveValue('precious');
  });

  it('is closed for readers of a channel', async () => {
    open(NEWS);
    expect(await screen.findByText('Only writers, admins and owners can write in this channel.')).toBeVisible();
    expect(screen.queryByLabelText('Message')).not.toBeInTheDocument();
  });
});

describe('the timeline', () => {
  it('shows sending, sent and failed, and lets one try again or discard', async () => {
    const { user } = open(BOB);
    expect(await screen.findByLabelText('Sending')).toBeVisible();
    expect(within(messages()).getAllByText('Read').length).toBeGreaterThan(0);
    const failed = within(messages()).getByText('And sandpaper, please!').closest('li');
    expect(failed).toHaveTextContent('Not sent. The server could not be reached.');

    await user.click(screen.getByRole('button', { name: 'Try again' }));
    await waitFor(() => expect(screen.queryByRole('button', { name: 'Try again' })).not.toBeInTheDocument());
  });

  it('discards a message that was not sent', async () => {
    const { user } = open(BOB);
    await user.click(await screen.findByRole('button', { name: 'Discard' }));
    await waitFor(() => expect(within(messages()).queryByText('And sandpaper, please!')).not.toBeInTheDocument());
  });

  it('shows an unreadable message in its place, and says why and what to do', async () => {
    const { user } = openWhole(BOOKS);
    const row = (await screen.findByText('This device can’t read this message yet')).closest('li');
    expect(row).toHaveTextContent('Emil Haugen');
    await user.click(within(messages()).getByRole('button', { name: 'What to do' }));
    const advice = await screen.findByRole('dialog', { name: 'What to do' });
    expect(advice).toHaveTextContent("This device can't read this message.");
    expect(advice).toHaveTextContent('ask Emil Haugen to send it again');
  });

  it('marks where the unread messages begin, and keeps the mark when they are read', async () => {
    const { client } = openWhole(BOOKS);
    const row = (await screen.findByText('New messages')).closest('li');
    expect(row).toHaveTextContent('Ναι, τέλεια');
    await waitFor(() => expect(client.store.getState().conversations[BOOKS]?.unread).toBe(0));
    expect(screen.getByText('New messages')).toBeVisible();
  });

  it('makes links of addresses and text of markup', async () => {
    const { client } = open(BOB);
    await screen.findByRole('list', { name: 'Messages' });
    await act(() => client.send(BOB, '<img src=x onerror=alert(1)> https://example.org/a?b=1.'));
    const link = await within(messages()).findByRole('link', { name: 'https://example.org/a?b=1' });
    expect(link).toHaveAttribute('rel', expect.stringContaining('noopener'));
    expect(within(messages()).queryByRole('img', { name: '' })).not.toBeInTheDocument();
    expect(messages()).toHaveTextContent('<img src=x onerror=alert(1)>');
  });

  it('speaks new messages of others', async () => {
    const { client } = open(BOB);
    const live = await screen.findByRole('log', { name: 'New messages' });
    expect(live).toBeEmptyDOMElement();
    act(() => add(client.store.getState().conversations[BOB], (conversations) => client.store.setState({ conversations })));
    expect(live).toHaveTextContent('Bob Okafor: Got it');
  });

  it('shows what is wrong when a conversation does not fit, and stops sending', async () => {
    open('conversation-8');
    expect(await screen.findByRole('alert')).toHaveTextContent('The server shows this conversation differently');
    expect(screen.queryByLabelText('Message')).not.toBeInTheDocument();
  });
});

function add(conversation: ConversationState | undefined, set: (conversations: Record<string, ConversationState>) => void) {
  if (!conversation) return;
  const item = { key: 'incoming', seq: 99, time: Date.now(), sender: bob, mine: false, body: { kind: 'text', text: 'Got it' }, state: 'sent', receipt: null, expiresAt: null, lifetime: 0 } as const;
  set({ [conversation.id]: { ...conversation, items: [...conversation.items, item] } });
}
