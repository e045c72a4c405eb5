import { act, screen, waitFor, within } from '@testing-library/react';
import { afterEach, describe, expect, it } from 'vitest';
import { createFakeClient } from '../dev/fakeClient';
import { scenes } from '../dev/scenes';
import { useNewConversation } from '../features/conversations';
import { usePalette } from '../features/palette';
import { useShortcutHelp } from '../features/settings';
import { renderView } from '../test/render';
import { usePreferences } from '../ui';
import { Gate } from './Gate';

const address = () => screen.getByLabelText('Address').textContent;
const BOOKS = `/c/${'00000001'.repeat(4)}`;
const BOB = `/c/${'00000002'.repeat(4)}`;

function open(scene = 'full', path = '/') {
  const client = createFakeClient(scenes[scene]?.() ?? {});
  return renderView(<Gate />, { client, path });
}

afterEach(() => {
  act(() => {
    usePalette.getState().close();
    useNewConversation.getState().close();
    useShortcutHelp.getState().close();
    usePreferences.getState().setSingleKeys(true);
  });
});

describe('the palette', () => {
  it('finds a conversation by keys alone', async () => {
    const { user } = open();
    await user.keyboard('{Control>}k{/Control}');
    const field = await screen.findByRole('combobox', { name: 'Search conversations, people and commands' });
    await waitFor(() => expect(field).toHaveFocus());
    await user.keyboard('book');
    expect(screen.getByRole('option', { selected: true })).toHaveTextContent('Book club');
    await user.keyboard('{Enter}');
    await waitFor(() => expect(address()).toBe(BOOKS));
  });

  it('moves with the arrows and closes with Escape', async () => {
    const { user } = open();
    await user.keyboard('{Control>}k{/Control}');
    const field = await screen.findByRole('combobox', { name: 'Search conversations, people and commands' });
    await waitFor(() => expect(field).toHaveFocus());
    await user.keyboard('{ArrowDown}{ArrowDown}{ArrowUp}');
    expect(screen.getAllByRole('option')[1]).toHaveAttribute('aria-selected', 'true');
    await user.keyboard('{Escape}');
    await waitFor(() => expect(field).not.toBeInTheDocument());
    expect(address()).toBe('/');
  });

  it('starts a conversation with a person', async () => {
    const { user, client } = open();
    await user.keyboard('{Control>}k{/Control}');
    await screen.findByRole('combobox', { name: 'Search conversations, people and commands' });
    await user.keyboard('farah');
    await user.click(await screen.findByRole('option', { name: /Farah Nasser/ }));
    await waitFor(() => expect(address()).toMatch(/^\/c\/a/));
    expect(Object.values(client.store.getState().conversations).some((one) => one.title === 'Farah Nasser' && one.type === 'DIRECT')).toBe(true);
  });
});

describe('keys', () => {
  it('walk in the list, and open what is focused', async () => {
    const { user } = open();
    const list = screen.getByRole('navigation', { name: 'Conversations' });
    act(() => within(list).getAllByRole('link')[0]?.focus());
    await user.keyboard('{ArrowDown}{ArrowDown}');
    await waitFor(() => expect(within(list).getAllByRole('link')[2]).toHaveFocus());
    await user.keyboard('{Enter}');
    await waitFor(() => expect(address()).toBe(`/c/${'00000003'.repeat(4)}`));
  });

  it('go back with Escape: details, conversation, list', async () => {
    const { user } = open('full', `${BOOKS}/details`);
    await user.keyboard('{Escape}');
    expect(address()).toBe(BOOKS);
    await user.keyboard('{Escape}');
    expect(address()).toBe('/');
  });

  it('step through conversations with Alt and the arrows', async () => {
    const { user } = open('full', BOB);
    await user.keyboard('{Alt>}{ArrowDown}{/Alt}');
    expect(address()).toBe(BOOKS);
    await user.keyboard('{Alt>}{ArrowUp}{/Alt}');
    expect(address()).toBe(BOB);
  });

  it('show help with ?, unless single keys are off or one is writing', async () => {
    const { user } = open('full', BOB);
    await user.type(screen.getByLabelText('Message'), '?');
    expect(screen.queryByRole('dialog')).not.toBeInTheDocument();
    act(() => screen.getByRole('group', { name: 'Message history' }).focus());
    act(() => usePreferences.getState().setSingleKeys(false));
    await user.keyboard('?');
    expect(screen.queryByRole('dialog')).not.toBeInTheDocument();
    act(() => usePreferences.getState().setSingleKeys(true));
    await user.keyboard('?');
    expect(await screen.findByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
  });
});

describe('the gate', () => {
  it.each([
    ['no-owner', 'This Circle is waiting for its owner'],
    ['signed-out', 'Sign in to Circle'],
    ['locked', 'Welcome back'],
    ['no-keys', 'Your messages are not on this browser yet'],
  ])('shows for %s: %s', async (scene, title) => {
    open(scene);
    expect(await screen.findByRole('heading', { level: 1, name: title })).toBeVisible();
  });

  it('unlocks with the password and says when it is wrong', async () => {
    const { user } = open('locked');
    await user.type(await screen.findByLabelText('Password'), 'wrong password{Enter}');
    expect(await screen.findByText('That is not the right password.')).toBeVisible();
    await user.clear(screen.getByLabelText('Password'));
    await user.type(screen.getByLabelText('Password'), 'the right one{Enter}');
    expect(await screen.findByRole('heading', { name: 'Conversations' })).toBeVisible();
  });
});

it('says when one is offline', async () => {
  open('offline');
  expect(await screen.findByText('You are offline. Messages will be sent when you are back.')).toBeVisible();
});

it('makes a group from the list', async () => {
  const { user, client } = open();
  await user.click(screen.getByRole('button', { name: 'New conversation' }));
  const dialog = await screen.findByRole('dialog', { name: 'New conversation' });
  await user.click(within(dialog).getByRole('radio', { name: 'Group' }));
  await user.click(within(dialog).getByRole('button', { name: 'Create group' }));
  expect(within(dialog).getByText('Please enter a title.')).toBeVisible();
  await user.type(within(dialog).getByLabelText('Title'), 'Sailing');
  await user.click(await within(dialog).findByRole('option', { name: 'Chen Wei, @chen' }));
  await user.click(within(dialog).getByRole('button', { name: 'Create group' }));
  await waitFor(() => expect(address()).toMatch(/^\/c\/a/));
  const made = Object.values(client.store.getState().conversations).find((one) => one.title === 'Sailing');
  expect(made?.participants.map((one) => one.person.handle)).toEqual(['ada', 'chen']);
});

it('opens the conversation that exists instead of making a second one', async () => {
  const { user, client } = open();
  const before = client.store.getState().order.length;
  await user.click(screen.getByRole('button', { name: 'New conversation' }));
  await user.click(await screen.findByRole('option', { name: 'Bob Okafor, @bob' }));
  await user.click(screen.getByRole('button', { name: 'Start conversation' }));
  await waitFor(() => expect(address()).toBe(BOB));
  expect(client.store.getState().order).toHaveLength(before);
});
