import { act, screen, waitFor } from '@testing-library/react';
import { expect, it, vi } from 'vitest';
import { createFakeClient, FakeError } from '../../dev/fakeClient';
import { renderView } from '../../test/render';
import { Privacy } from './Privacy';
import { Settings } from './Settings';

const READ = { name: 'Send read receipts' };

it('has three switches, each with a sentence of what it means', async () => {
  renderView(<Privacy />);
  expect(await screen.findByRole('switch', { name: 'Show when I am online' })).toHaveAccessibleDescription(/whether you are online.*you do not see when they were last here either/);
  expect(screen.getByRole('switch', READ)).toHaveAccessibleDescription('People see that you have read their messages.');
  expect(screen.getByRole('switch', { name: 'Send delivery receipts' })).toHaveAccessibleDescription(/reached one of your devices/);
  for (const one of screen.getAllByRole('switch')) expect(one).toBeChecked();
});

it('saves at once, that one alone, and back again', async () => {
  const client = createFakeClient();
  const set = vi.spyOn(client, 'setPrivacy');
  const { user } = renderView(<Privacy />, { client });
  await user.click(await screen.findByRole('switch', READ));
  await waitFor(() => expect(client.store.getState().privacy).toEqual({ presence: true, readReceipts: false, deliveryReceipts: true }));
  expect(screen.getByRole('switch', READ)).not.toBeChecked();
  await user.click(screen.getByRole('switch', READ));
  await waitFor(() => expect(client.store.getState().privacy?.readReceipts).toBe(true));
  expect(set.mock.calls).toEqual([[{ readReceipts: false }], [{ readReceipts: true }]]);
});

it('says what went wrong, and shows what is still set', async () => {
  const client = createFakeClient();
  vi.spyOn(client, 'setPrivacy').mockRejectedValueOnce(new FakeError('The server could not be reached.'));
  const { user } = renderView(<Privacy />, { client });
  await user.click(await screen.findByRole('switch', READ));
  expect(await screen.findByText(/This was not saved. The server could not be reached./)).toBeVisible();
  expect(screen.getByRole('switch', READ)).toBeChecked();
  await user.click(screen.getByRole('switch', READ));
  await waitFor(() => expect(client.store.getState().privacy?.readReceipts).toBe(false));
  expect(screen.queryByText(/was not saved/)).not.toBeInTheDocument();
});

it('hears whoever changes their mind while it is being saved', async () => {
  const client = createFakeClient({ delay: 150 });
  const set = vi.spyOn(client, 'setPrivacy');
  const { user } = renderView(<Privacy />, { client });
  await user.click(await screen.findByRole('switch', READ));
  await user.click(screen.getByRole('switch', READ));
  await waitFor(() => expect(set).toHaveBeenCalledTimes(2));
  await waitFor(() => expect(client.store.getState().privacy?.readReceipts).toBe(true));
  expect(screen.getByRole('switch', READ)).toBeChecked();
});

it('follows what another device has set', async () => {
  const { client } = renderView(<Privacy />);
  expect(await screen.findByRole('switch', READ)).toBeChecked();
  act(() => client.store.setState({ privacy: { presence: true, readReceipts: false, deliveryReceipts: true } }));
  expect(screen.getByRole('switch', READ)).not.toBeChecked();
});

it('offers nothing to switch while it is not known what is set', async () => {
  renderView(<Privacy />, { scene: { state: { privacy: null, connection: 'offline' } } });
  expect(await screen.findAllByText('You are offline, and this device does not know what is set.')).toHaveLength(3);
  expect(screen.queryByRole('switch')).not.toBeInTheDocument();
});

it('is found in the settings, with how it stands', async () => {
  const { user } = renderView(<Settings />, { path: '/', scene: { state: { privacy: { presence: true, readReceipts: false, deliveryReceipts: true } } } });
  const link = await screen.findByRole('link', { name: /^Privacy/ });
  expect(link).toHaveTextContent('2 of 3 on');
  await user.click(link);
  expect(screen.getByLabelText('Address')).toHaveTextContent('/privacy');
});
