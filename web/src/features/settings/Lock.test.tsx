import { screen, waitFor, within } from '@testing-library/react';
import { expect, it, vi } from 'vitest';
import { createFakeClient, FakeError } from '../../dev/fakeClient';
import { renderView } from '../../test/render';
import { Lock } from './Lock';

it('adds a passkey and removes it after asking', async () => {
  const client = createFakeClient();
  const { user } = renderView(<Lock />, { client });
  await user.click(await screen.findByRole('button', { name: 'Add a passkey' }));
  await user.click(await screen.findByRole('button', { name: 'Remove the passkey' }));
  const dialog = await screen.findByRole('dialog', { name: 'Remove the passkey?' });
  await user.click(within(dialog).getByRole('button', { name: 'Remove the passkey' }));
  expect(await screen.findByRole('button', { name: 'Add a passkey' })).toBeVisible();
});

it('says why a passkey could not be added', async () => {
  const client = createFakeClient();
  vi.spyOn(client.locking, 'addPasskey').mockRejectedValueOnce(new FakeError('You closed the window of your passkey.'));
  const { user } = renderView(<Lock />, { client });
  await user.click(await screen.findByRole('button', { name: 'Add a passkey' }));
  expect(await screen.findByText('You closed the window of your passkey.')).toBeVisible();
});

it('offers no passkey where the browser has none for this', async () => {
  renderView(<Lock />, { scene: { lock: { canUsePasskey: false } } });
  expect(await screen.findByText('This browser, or its passkeys, cannot be used for this.')).toBeVisible();
  expect(screen.queryByRole('button', { name: 'Add a passkey' })).not.toBeInTheDocument();
});

it('sets a passphrase that is long enough and typed twice', async () => {
  const client = createFakeClient();
  const set = vi.spyOn(client.locking, 'setPassphrase');
  const { user } = renderView(<Lock />, { client });
  await user.click(await screen.findByRole('button', { name: 'Set a passphrase' }));
  const dialog = await screen.findByRole('dialog', { name: 'Passphrase of this browser' });
  await user.type(within(dialog).getByLabelText('Passphrase'), 'short');
  await user.click(within(dialog).getByRole('button', { name: 'Save' }));
  expect(within(dialog).getByText(/at least 10 characters/)).toBeVisible();
  expect(within(dialog).getByText('The two passphrases are not the same.')).toBeVisible();
  expect(set).not.toHaveBeenCalled();
  await user.clear(within(dialog).getByLabelText('Passphrase'));
  await user.type(within(dialog).getByLabelText('Passphrase'), 'four blue kettles');
  await user.type(within(dialog).getByLabelText('Type it again'), 'four blue kettles{Enter}');
  expect(set).toHaveBeenCalledExactlyOnceWith('four blue kettles');
  await user.click(await screen.findByRole('button', { name: 'Remove the passphrase' }));
  await user.click(within(await screen.findByRole('dialog', { name: 'Remove the passphrase?' })).getByRole('button', { name: 'Remove the passphrase' }));
  await waitFor(() => expect(set).toHaveBeenLastCalledWith(null));
});

it('locks after so many minutes as one chooses', async () => {
  const client = createFakeClient();
  const { user } = renderView(<Lock />, { client });
  await user.click(await screen.findByRole('combobox', { name: 'Without use, Circle locks' }));
  await user.click(await screen.findByRole('option', { name: 'After 15 minutes' }));
  await waitFor(async () => expect((await client.locking.state()).idleMinutes).toBe(15));
  await waitFor(() => expect(screen.getByRole('combobox', { name: 'Without use, Circle locks' })).toHaveValue('After 15 minutes'));
});

it('says what is wrong when nothing can be told', async () => {
  const client = createFakeClient();
  vi.spyOn(client.locking, 'state').mockRejectedValueOnce(new FakeError('This browser stores nothing for Circle.'));
  const { user } = renderView(<Lock />, { client });
  expect(await screen.findByText(/This browser stores nothing for Circle/)).toBeVisible();
  await user.click(screen.getByRole('button', { name: 'Try again' }));
  expect(await screen.findByRole('list', { name: 'What opens this browser' })).toBeVisible();
});
