import { screen, waitFor, within } from '@testing-library/react';
import type { UserEvent } from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';
import { createFakeClient, FakeError } from '../../dev/fakeClient';
import { LINK_WORDS } from '../../dev/words';
import { renderView } from '../../test/render';
import { DeviceList } from './DeviceList';

async function choose(user: UserEvent, device: string, item: string) {
  await user.click(await screen.findByRole('button', { name: `Options for ${device}` }));
  await user.click(await screen.findByRole('menuitem', { name: item }));
}

async function openLinking(user: UserEvent) {
  await user.click(await screen.findByRole('button', { name: 'Link a device' }));
  return screen.findByRole('dialog', { name: 'Link a device' });
}

async function typeWords(user: UserEvent, words: string[]) {
  const dialog = await openLinking(user);
  await waitFor(() => expect(within(dialog).getByLabelText('Word 1')).toHaveFocus());
  await user.keyboard(`${words.join(' ')} `);
  return dialog;
}

describe('the list', () => {
  it('tells this device from the others, first, and cannot remove it', async () => {
    const { user } = renderView(<DeviceList />);
    const rows = within(await screen.findByRole('list', { name: 'Devices' })).getAllByRole('listitem');
    expect(rows[0]).toHaveTextContent('This device');
    expect(rows[1]).toHaveTextContent(/Ada’s phoneSafari on iPhoneLast seen 5 hours ago/);
    await user.click(screen.getByRole('button', { name: 'Options for Chromium on Linux' }));
    expect(await screen.findByRole('menuitem', { name: 'Rename' })).toBeVisible();
    expect(screen.queryByRole('menuitem', { name: 'Remove' })).not.toBeInTheDocument();
  });

  it('renames in place by keys alone, and refuses an empty name', async () => {
    const client = createFakeClient();
    const rename = vi.spyOn(client.devices, 'rename');
    const { user } = renderView(<DeviceList />, { client });
    await choose(user, 'Old laptop', 'Rename');
    const field = await screen.findByLabelText('Name of Old laptop');
    expect(field).toHaveFocus();
    await user.clear(field);
    await user.keyboard('{Enter}');
    expect(await screen.findByText('Please enter a name.')).toBeVisible();
    await user.keyboard(' Workshop laptop {Enter}');
    expect(await screen.findByText('Workshop laptop')).toBeVisible();
    expect(rename).toHaveBeenCalledExactlyOnceWith('device-3', 'Workshop laptop');
    await waitFor(() => expect(screen.getByRole('button', { name: 'Options for Workshop laptop' })).toHaveFocus());
  });

  it('leaves the name as it was on Escape', async () => {
    const client = createFakeClient();
    const rename = vi.spyOn(client.devices, 'rename');
    const { user } = renderView(<DeviceList />, { client });
    await choose(user, 'Old laptop', 'Rename');
    await user.keyboard('x{Escape}');
    expect(await screen.findByText('Old laptop')).toBeVisible();
    expect(rename).not.toHaveBeenCalled();
  });

  it('removes a device after saying what that means', async () => {
    const client = createFakeClient();
    const revoke = vi.spyOn(client.devices, 'revoke');
    const { user } = renderView(<DeviceList />, { client });
    await choose(user, 'Old laptop', 'Remove');
    const dialog = await screen.findByRole('dialog', { name: 'Remove “Old laptop”?' });
    expect(dialog).toHaveTextContent('It is signed out at once and reads nothing that is written from now on.');
    await user.click(within(dialog).getByRole('button', { name: 'Cancel' }));
    expect(revoke).not.toHaveBeenCalled();
    await choose(user, 'Old laptop', 'Remove');
    await user.click(within(await screen.findByRole('dialog')).getByRole('button', { name: 'Remove it' }));
    expect(revoke).toHaveBeenCalledExactlyOnceWith('device-3');
    await waitFor(() => expect(screen.queryByText('Old laptop')).not.toBeInTheDocument());
  });

  it('keeps the question open and says why when removing fails', async () => {
    const client = createFakeClient();
    vi.spyOn(client.devices, 'revoke').mockRejectedValueOnce(new FakeError('The server could not be reached.'));
    const { user } = renderView(<DeviceList />, { client });
    await choose(user, 'Old laptop', 'Remove');
    const dialog = await screen.findByRole('dialog');
    await user.click(within(dialog).getByRole('button', { name: 'Remove it' }));
    expect(await within(dialog).findByText('The server could not be reached.')).toBeVisible();
    expect(screen.getByText('Old laptop')).toBeInTheDocument();
  });

  it('offers to load again', async () => {
    const client = createFakeClient();
    vi.spyOn(client.devices, 'list').mockRejectedValueOnce(new FakeError('The server could not be reached.'));
    const { user } = renderView(<DeviceList />, { client });
    await user.click(await screen.findByRole('button', { name: 'Try again' }));
    expect(await screen.findByRole('list', { name: 'Devices' })).toBeVisible();
  });
});

describe('linking', () => {
  it('takes the words, asks with a warning, lets the device in, and lists it', async () => {
    const client = createFakeClient();
    const answer = vi.spyOn(client.devices, 'answer');
    const { user } = renderView(<DeviceList />, { client });
    const dialog = await typeWords(user, LINK_WORDS);
    expect(within(dialog).getByText('All words fit')).toBeVisible();
    await user.click(within(dialog).getByRole('button', { name: 'Continue' }));
    const title = await within(dialog).findByRole('heading', { name: 'Let “Chromium on Linux” in?' });
    expect(title).toHaveFocus();
    expect(dialog).toHaveTextContent('Only if it is yours and you hold it in your hands.');
    expect(answer).not.toHaveBeenCalled();
    await user.click(within(dialog).getByRole('button', { name: 'Let it in' }));
    expect(await within(dialog).findByText('“Chromium on Linux” is in')).toBeVisible();
    await user.click(within(dialog).getByRole('button', { name: 'Done' }));
    await waitFor(() => expect(within(screen.getByRole('list', { name: 'Devices' })).getAllByRole('listitem')).toHaveLength(4));
  });

  it('lets nobody in when one says that it is not one’s own', async () => {
    const client = createFakeClient();
    const answer = vi.spyOn(client.devices, 'answer');
    const { user } = renderView(<DeviceList />, { client });
    const dialog = await typeWords(user, LINK_WORDS);
    await user.keyboard('{Enter}');
    await user.click(await within(dialog).findByRole('button', { name: 'Not mine, cancel' }));
    await waitFor(() => expect(dialog).not.toBeInTheDocument());
    expect(answer).not.toHaveBeenCalled();
  });

  it('says which word is wrong, and puts in the one that was meant', async () => {
    const { user } = renderView(<DeviceList />);
    const dialog = await typeWords(user, LINK_WORDS.slice(0, 3));
    await user.keyboard('fameus');
    expect(within(dialog).getByText(/Word 4, “fameus”, is not in the list/)).toBeVisible();
    expect(within(dialog).getByLabelText('Word 4')).toBeInvalid();
    await user.click(within(dialog).getByRole('button', { name: 'famous' }));
    expect(within(dialog).getByLabelText('Word 4')).toHaveValue('famous');
    expect(within(dialog).getByLabelText('Word 4')).toBeValid();
  });

  it('takes a suggestion with the arrows, and goes back with Backspace', async () => {
    const { user } = renderView(<DeviceList />);
    const dialog = await openLinking(user);
    await waitFor(() => expect(within(dialog).getByLabelText('Word 1')).toHaveFocus());
    await user.keyboard('act');
    expect(within(dialog).getAllByRole('option').map((one) => one.textContent)).toEqual(['act', 'action', 'actor', 'actress', 'actual']);
    await user.keyboard('{ArrowDown}{ArrowDown}{Enter}');
    expect(within(dialog).getByLabelText('Word 1')).toHaveValue('action');
    expect(within(dialog).getByLabelText('Word 2')).toHaveFocus();
    await user.keyboard('{Backspace}');
    expect(within(dialog).getByLabelText('Word 1')).toHaveFocus();
  });

  it('tells how many words are missing, and when all do not fit together', async () => {
    const client = createFakeClient();
    const read = vi.spyOn(client.devices, 'read');
    const { user } = renderView(<DeviceList />, { client });
    const dialog = await typeWords(user, LINK_WORDS.slice(0, 11));
    await user.click(within(dialog).getByRole('button', { name: 'Continue' }));
    expect(await within(dialog).findByText('The new device shows 12 words; 1 is still missing.')).toBeVisible();
    await user.type(within(dialog).getByLabelText('Word 12'), 'common');
    expect(within(dialog).getByText(/together they do not fit/)).toBeVisible();
    await user.click(within(dialog).getByRole('button', { name: 'Continue' }));
    expect(read).not.toHaveBeenCalled();
  });

  it('says when no device waits with these words, and takes others', async () => {
    const client = createFakeClient();
    vi.spyOn(client.devices, 'read').mockRejectedValueOnce(new FakeError('No device waits with these words.'));
    const { user } = renderView(<DeviceList />, { client });
    const dialog = await typeWords(user, LINK_WORDS);
    await user.keyboard('{Enter}');
    expect(await within(dialog).findByText('No device waits with these words.')).toBeVisible();
    await user.click(within(dialog).getByRole('button', { name: 'Continue' }));
    expect(await within(dialog).findByRole('heading', { name: 'Let “Chromium on Linux” in?' })).toBeVisible();
  });

  it('says when letting in has failed, and begins again', async () => {
    const client = createFakeClient();
    vi.spyOn(client.devices, 'answer').mockRejectedValueOnce(new FakeError('This request has been answered already.'));
    const { user } = renderView(<DeviceList />, { client });
    const dialog = await typeWords(user, LINK_WORDS);
    await user.keyboard('{Enter}');
    await user.click(await within(dialog).findByRole('button', { name: 'Let it in' }));
    expect(await within(dialog).findByText('This request has been answered already.')).toBeVisible();
    expect(within(dialog).queryByRole('button', { name: 'Let it in' })).not.toBeInTheDocument();
    await user.click(within(dialog).getByRole('button', { name: 'Begin again' }));
    expect(await within(dialog).findByLabelText('Word 1')).toHaveValue('');
  });

  it('lets nobody in after the request has ended', async () => {
    const client = createFakeClient({ linkFor: -1 });
    const { user } = renderView(<DeviceList />, { client });
    const dialog = await typeWords(user, LINK_WORDS);
    await user.keyboard('{Enter}');
    expect(await within(dialog).findByText(/This request has ended/)).toBeVisible();
    expect(within(dialog).queryByRole('button', { name: 'Let it in' })).not.toBeInTheDocument();
  });

  it('says in words why the camera cannot be used', async () => {
    const { user } = renderView(<DeviceList />);
    const dialog = await openLinking(user);
    await user.click(within(dialog).getByRole('radio', { name: 'Scan the code' }));
    expect(await within(dialog).findByText('The camera cannot be used here. Type instead.')).toBeVisible();
    await user.click(within(dialog).getByRole('radio', { name: 'Type the words' }));
    expect(await within(dialog).findByLabelText('Word 12')).toBeVisible();
  });
});
