import { act, screen, waitFor, within } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { useCircle, type ConversationState } from '../../circle';
import { createFakeClient, type FakeClient, type Scene } from '../../dev/fakeClient';
import { bob, chen, dana, emil, niki } from '../../dev/people';
import { typing } from '../../dev/reading';
import { readingScenes } from '../../dev/readingScenes';
import { alter } from '../../dev/samples';
import { renderView } from '../../test/render';
import { Conversation } from './Conversation';
import { useDrafts } from './drafts';

const BOOKS = 'conversation-1';
const BOB = 'conversation-2';
const NEWS = 'conversation-3';

function Live({ id }: { id: string }) {
  const conversation = useCircle((state) => state.conversations[id]);
  return conversation && <Conversation key={id} conversation={conversation} onBack={vi.fn()} detailsOpen={false} onDetails={vi.fn()} />;
}

function open(id: string, scene: Scene = {}) {
  const client = createFakeClient(scene);
  const setTyping = vi.spyOn(client, 'setTyping');
  const markRead = vi.spyOn(client, 'markRead');
  return { ...renderView(<Live id={id} />, { client }), client, setTyping, markRead };
}

function change(client: FakeClient, id: string, how: (one: ConversationState) => Partial<ConversationState>) {
  act(() =>
    client.store.setState(({ conversations }) => {
      const one = conversations[id];
      return one ? { conversations: { ...conversations, [id]: { ...one, ...how(one) } } } : {};
    }),
  );
}

function arrives(text: string): (one: ConversationState) => Partial<ConversationState> {
  return ({ items }) => {
    const key = `in-${text}`;
    return {
      items: [...items, { key, seq: 90 + items.length, time: Date.now(), sender: bob, mine: false, body: { kind: 'text', text }, state: 'sent', receipt: null, expiresAt: null, lifetime: 0 }],
      unread: 1,
      firstUnread: key,
    };
  };
}

function visibility(state: DocumentVisibilityState) {
  Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => state });
  act(() => void document.dispatchEvent(new Event('visibilitychange')));
}

const messages = () => screen.getByRole('list', { name: 'Messages' });
const history = () => screen.getByRole('group', { name: 'Message history' });

beforeEach(() => useDrafts.getState().clear());
afterEach(() => visibility('visible'));

describe('typing', () => {
  it('is told with every change, and ends with the text, the focus and the conversation', async () => {
    const { user, setTyping, unmount } = open(BOB);
    const field = await screen.findByLabelText('Message');
    await user.type(field, 'H');
    expect(setTyping).toHaveBeenLastCalledWith(BOB, true);
    await user.clear(field);
    expect(setTyping).toHaveBeenLastCalledWith(BOB, false);
    await user.type(field, 'Hi');
    await user.tab();
    expect(setTyping).toHaveBeenLastCalledWith(BOB, false);
    await user.type(field, '!');
    expect(setTyping).toHaveBeenLastCalledWith(BOB, true);
    unmount();
    expect(setTyping).toHaveBeenLastCalledWith(BOB, false);
  });

  it('does not begin with spaces, nor with a draft from before', async () => {
    useDrafts.getState().setDraft(BOB, 'from before');
    const { user, setTyping } = open(BOB);
    const field = await screen.findByLabelText('Message');
    expect(setTyping).not.toHaveBeenCalledWith(BOB, true);
    await user.clear(field);
    await user.type(field, '  ');
    expect(setTyping).not.toHaveBeenCalledWith(BOB, true);
  });

  it.each([
    [[bob], 'Bob is typing…'],
    [[bob, niki], 'Bob and Νίκη are typing…'],
    [[bob, niki, chen], 'Bob, Νίκη, and Chen are typing…'],
    [[bob, niki, chen, dana], 'Several people are typing…'],
    [[bob, { ...emil, displayName: 'Bob Marsh' }], 'Bob Okafor and Bob Marsh are typing…'],
  ])('names who writes: %#', async (people, words) => {
    open(BOOKS, { state: alter({ [BOOKS]: typing(...people) }) });
    expect((await screen.findAllByText(words))[0]).toBeVisible();
    expect(await within(screen.getByRole('status', { name: 'Typing' })).findByText(words)).toBeInTheDocument();
  });

  it('is said once to those who listen, and not again after a short pause', async () => {
    const { client } = open(BOB);
    const said = await screen.findByRole('status', { name: 'Typing' });
    change(client, BOB, typing(bob));
    await waitFor(() => expect(said).toHaveTextContent('Bob is typing…'));
    change(client, BOB, typing());
    await waitFor(() => expect(said).toBeEmptyDOMElement());
    change(client, BOB, typing(bob));
    expect(screen.getByText('Bob is typing…')).toBeVisible();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(said).toBeEmptyDOMElement();
  });
});

describe('presence', () => {
  const status = (state: 'ONLINE' | 'AWAY' | 'OFFLINE', ago: number | null) => ({ [bob.id]: { state, lastSeenAt: ago === null ? null : Date.now() - ago * 60_000 } });

  it.each([
    [status('ONLINE', null), 'Bob Okafor, online, show details'],
    [status('AWAY', 4), 'Bob Okafor, away, show details'],
    [status('OFFLINE', 5), 'Bob Okafor, last seen 5 minutes ago, show details'],
    [status('OFFLINE', 60 * 26), 'Bob Okafor, last seen yesterday, show details'],
    [status('OFFLINE', null), 'Bob Okafor, show details'],
    [{}, 'Bob Okafor, show details'],
  ])('stands in the header of a direct conversation: %#', async (presence, name) => {
    open(BOB, { state: { presence } });
    expect(await screen.findByRole('button', { name })).toBeVisible();
  });

  it('falls back to the handle, and is not claimed while one is offline', async () => {
    const { client } = open(BOB);
    expect(await screen.findByText('online')).toBeVisible();
    act(() => client.store.setState({ connection: 'offline' }));
    expect(screen.queryByText('online')).not.toBeInTheDocument();
    expect(screen.getByText('@bob')).toBeVisible();
  });

  it('grows older by itself', async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true });
    try {
      open(BOB, { state: { presence: status('OFFLINE', 5) } });
      expect(await screen.findByText('last seen 5 minutes ago')).toBeVisible();
      await act(() => vi.advanceTimersByTimeAsync(2 * 60_000));
      expect(screen.getByText(/^last seen [78] minutes ago$/)).toBeVisible();
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('receipts', () => {
  it('say in a direct conversation how far a message has come', async () => {
    open(BOB, readingScenes['delivered']?.());
    const row = (text: string) => within(messages()).getByText(text, { exact: false }).closest('li');
    await screen.findByRole('list', { name: 'Messages' });
    expect(row('Welcome')).toHaveTextContent(/Read$/);
    expect(row('Two metres')).toHaveTextContent(/Delivered$/);
    expect(within(messages()).queryByRole('button', { name: /Read|Delivered/ })).not.toBeInTheDocument();
  });

  it('name in a group who has read, by keys alone', async () => {
    const { user, markRead } = open(BOOKS, { state: alter({ [BOOKS]: () => ({ hasOlder: false }) }) });
    // Everything has come to rest: rows are drawn, and the new ones read.
    await waitFor(() => expect(markRead).toHaveBeenCalled());
    const newest = screen.getAllByRole('button', { name: 'Read by 3 of 5' }).at(-1);
    act(() => newest?.focus());
    await user.keyboard('{Enter}');
    const who = await screen.findByRole('dialog', { name: 'Read by 3 of 5' });
    const names = (list: string) => within(within(who).getByRole('list', { name: list })).getAllByRole('listitem').map((one) => one.textContent);
    expect(names('Read')).toEqual(['DPDana Petrova', 'ΝΠΝίκη Παππά', 'EHEmil Haugen']);
    expect(names('Delivered')).toEqual(['BOBob Okafor']);
    expect(names('No receipt')).toEqual(['JJo']);
    await user.keyboard('{Escape}');
    await waitFor(() => expect(who).not.toBeInTheDocument());
    await waitFor(() => expect(newest).toHaveFocus());
  });

  it('say when everybody has read, and only that it was sent where there are none', async () => {
    const first = open(BOOKS, readingScenes['read-by-all']?.());
    expect((await screen.findAllByRole('button', { name: 'Read by everyone' })).length).toBeGreaterThan(0);
    first.unmount();
    open(BOOKS, { state: alter({ [BOOKS]: ({ items }) => ({ hasReceipts: false, receipts: [], items: items.map((item) => ({ ...item, receipt: null })) }) }) });
    expect((await screen.findAllByText('Sent')).length).toBeGreaterThan(0);
    expect(screen.queryByText(/Read|Delivered/)).not.toBeInTheDocument();
  });
});

describe('reading', () => {
  it('happens when the newest message is in sight', async () => {
    const { client, markRead } = open(BOOKS);
    await waitFor(() => expect(markRead).toHaveBeenCalledExactlyOnceWith(BOOKS));
    expect(client.store.getState().conversations[NEWS]?.unread).toBe(1);
  });

  it('waits until the page is looked at', async () => {
    visibility('hidden');
    const { markRead } = open(BOOKS);
    await screen.findByText('New messages');
    await new Promise((resolve) => setTimeout(resolve, 800));
    expect(markRead).not.toHaveBeenCalled();
    visibility('visible');
    await waitFor(() => expect(markRead).toHaveBeenCalledWith(BOOKS));
  });

  it('waits while one has scrolled up, and offers the way down with the count', async () => {
    const { client, markRead, user } = open(BOB);
    await screen.findByRole('list', { name: 'Messages' });
    scrollTo(400);
    change(client, BOB, arrives('Are you there?'));
    await new Promise((resolve) => setTimeout(resolve, 800));
    expect(markRead).not.toHaveBeenCalled();
    const down = screen.getByRole('button', { name: 'Jump to newest, 1 unread' });
    await user.click(down);
    expect(history()).toHaveFocus();
    scrollTo(5_000);
    await waitFor(() => expect(markRead).toHaveBeenCalledWith(BOB));
  });

  it('draws no line above what comes in sight, and one above what came meanwhile', async () => {
    const { client, markRead } = open(BOB);
    await screen.findByRole('list', { name: 'Messages' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    change(client, BOB, arrives('Seen at once'));
    await waitFor(() => expect(markRead).toHaveBeenCalledTimes(1));
    expect(screen.queryByText('New messages')).not.toBeInTheDocument();
    change(client, BOB, () => ({ firstUnread: null }));
    visibility('hidden');
    change(client, BOB, arrives('While one was away'));
    const line = await screen.findByText('New messages');
    expect(line.closest('li')).toHaveTextContent('While one was away');
    visibility('visible');
    await waitFor(() => expect(markRead).toHaveBeenCalledTimes(2));
    change(client, BOB, () => ({ firstUnread: null }));
    expect(line).toBeVisible();
  });

  it('offers the way to the first unread message while it is above', async () => {
    const { user } = open(BOOKS, { state: alter({ [BOOKS]: () => ({ hasOlder: false }) }) });
    // Before it has been in sight: the pane stands below it from the first.
    Object.defineProperty(Element.prototype, 'scrollTop', { configurable: true, writable: true, value: 5_000 });
    try {
      const up = await screen.findByRole('button', { name: 'Jump to first unread' });
      await user.click(up);
      expect(history()).toHaveFocus();
      await waitFor(() => expect(up).not.toBeInTheDocument());
    } finally {
      Reflect.deleteProperty(Element.prototype, 'scrollTop');
    }
  });

  /** jsdom has no layout: a pane of 4000 over 8000 of content. */
  function scrollTo(top: number) {
    const pane = history();
    Object.defineProperty(pane, 'scrollHeight', { configurable: true, get: () => 8_000 });
    pane.scrollTop = 5_000;
    act(() => void pane.dispatchEvent(new Event('scroll')));
    pane.scrollTop = top;
    act(() => void pane.dispatchEvent(new Event('scroll')));
  }
});
