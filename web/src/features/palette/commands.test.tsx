import { act, screen, waitFor, within } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Gate } from '../../app/Gate';
import { createFakeClient } from '../../dev/fakeClient';
import { trustScenes } from '../../dev/trustScenes';
import { renderView } from '../../test/render';
import { usePolicyWindow } from '../conversations';
import { useProfile, useReadmit } from '../people';
import { usePalette } from './model';

const BOOKS = `/c/${'00000001'.repeat(4)}`;
const BOB = `/c/${'00000002'.repeat(4)}`;

async function search(path: string, words: string, scene = 'full') {
  const client = createFakeClient(trustScenes[scene]?.() ?? {});
  // Without layout a pane is never full: the timeline would load older messages to the last.
  client.store.setState(({ conversations }) => ({
    conversations: Object.fromEntries(Object.entries(conversations).map(([id, one]) => [id, { ...one, hasOlder: false }])),
  }));
  const view = renderView(<Gate />, { client, path });
  act(() => usePalette.getState().open());
  await waitFor(async () => expect(await screen.findByRole('combobox', { name: /^Search conversations, people/ })).toHaveFocus());
  if (words !== '') await view.user.keyboard(words);
  return view;
}
const options = () => within(screen.getByRole('listbox', { name: 'Results' })).queryAllByRole('option').map((one) => one.textContent);

function closeAll() {
  usePalette.getState().close();
  useProfile.getState().close();
  useReadmit.getState().close();
  usePolicyWindow.getState().close();
}
beforeEach(() => act(closeAll));
afterEach(() => act(closeAll));

describe('by keys alone', () => {
  it('one opens a profile', async () => {
    const { user } = await search(BOB, 'safety bob');
    expect(options()).toEqual(['Profile and safety number of Bob Okafor']);
    await user.keyboard('{Enter}');
    expect(await screen.findByRole('dialog', { name: 'Profile' })).toHaveTextContent('Bob Okafor');
    await user.keyboard('{Escape}');
    await waitFor(() => expect(screen.queryByRole('dialog')).not.toBeInTheDocument());
  });

  it('one sets disappearing messages', async () => {
    const { user, client } = await search(BOOKS, 'set disapp');
    await user.keyboard('{Enter}');
    const dialog = await screen.findByRole('dialog', { name: 'Disappearing messages' });
    await waitFor(() => expect(dialog).toContainElement(document.activeElement as HTMLElement));
    await user.click(within(dialog).getByRole('radio', { name: 'After 1 day' }));
    await user.keyboard('{Enter}');
    await waitFor(() => expect(client.store.getState().conversations['conversation-1']?.lifetime).toBe(3));
  });

  it('one chooses what new people read', async () => {
    const { user } = await search(BOOKS, 'new people');
    await user.keyboard('{Enter}');
    expect(await screen.findByRole('dialog', { name: 'What new people can read' })).toBeVisible();
  });

  it('one lets somebody in again', async () => {
    const { user, client } = await search(BOOKS, 'let bob', 'changed');
    await user.keyboard('{Enter}');
    const dialog = await screen.findByRole('dialog', { name: 'Let Bob in again?' });
    await waitFor(() => expect(within(dialog).getByRole('button', { name: 'Cancel' })).toHaveFocus());
    await user.keyboard('{Tab}{Enter}');
    await waitFor(() => expect(client.store.getState().conversations['conversation-1']?.participants.some((one) => one.changed)).toBe(false));
  });

  it('one chooses the life of the next message', async () => {
    const { user } = await search(BOB, 'next message');
    await user.keyboard('{Enter}');
    expect(await screen.findByRole('menuitemradio', { name: 'After 1 hour' })).toBeVisible();
  });
});

describe('commands', () => {
  it('name people of a group only to those who look for them', async () => {
    await search(BOOKS, '');
    expect(options()).not.toContain('Profile and safety number of Bob Okafor');
    expect(options()).toContain('Set disappearing messages');
  });

  it('of a conversation are there in it alone', async () => {
    await search('/', 'disapp');
    expect(options()).toEqual([]);
  });

  it('that one may not use are not there', async () => {
    await search(`/c/${'00000003'.repeat(4)}`, 'disapp');
    expect(options()).toEqual([]);
  });
});
