import { screen, waitFor, within } from '@testing-library/react';
import { expect, it, vi } from 'vitest';
import { createFakeClient, FakeError } from '../../dev/fakeClient';
import { renderView } from '../../test/render';
import { Invites } from './Invites';
import { SessionList } from './SessionList';

it('makes an invitation link, shows it once, and lists what became of others', async () => {
  const { user } = renderView(<Invites />);
  const list = await screen.findByRole('list', { name: 'Invitations' });
  expect(list).toHaveTextContent('Bob Okafor joined');
  expect(list).toHaveTextContent('confirmed: it was your link that they used');
  expect(list).toHaveTextContent('Ended without being used');
  await user.click(screen.getByRole('button', { name: 'Create invitation link' }));
  expect(await screen.findByLabelText('Invitation link')).toHaveTextContent('/join#');
  await waitFor(() => expect(within(screen.getByRole('list', { name: 'Invitations' })).getAllByRole('listitem')).toHaveLength(4));
});

it('withdraws an open invitation', async () => {
  const { user } = renderView(<Invites />);
  await user.click(await screen.findByRole('button', { name: /^Withdraw the invitation/ }));
  expect(await screen.findByText('Withdrawn')).toBeVisible();
  expect(screen.queryByRole('button', { name: /^Withdraw/ })).not.toBeInTheDocument();
});

it('says what to do while nobody is invited', async () => {
  renderView(<Invites />, { scene: { bare: true } });
  expect(await screen.findByRole('heading', { name: 'No invitations yet' })).toBeVisible();
});

it('signs another session out, after asking, and never this one', async () => {
  const client = createFakeClient();
  const revoke = vi.spyOn(client, 'revokeSession');
  const { user } = renderView(<SessionList />, { client });
  const list = await screen.findByRole('list', { name: 'Sessions' });
  expect(within(list).getByText(/This browser/).closest('li')).not.toContainElement(within(list).queryByRole('button', { name: 'Sign out Chromium on Linux' }));
  await user.click(within(list).getByRole('button', { name: 'Sign out Safari on iPhone' }));
  expect(revoke).not.toHaveBeenCalled();
  await user.click(within(list).getByRole('button', { name: 'Really sign out Safari on iPhone' }));
  expect(revoke).toHaveBeenCalledExactlyOnceWith('session-2');
  await waitFor(() => expect(screen.queryByText('Safari on iPhone')).not.toBeInTheDocument());
});

it('offers to try again when a list cannot be loaded', async () => {
  const client = createFakeClient();
  vi.spyOn(client, 'listSessions').mockRejectedValueOnce(new FakeError('The server could not be reached.'));
  const { user } = renderView(<SessionList />, { client });
  expect(await screen.findByText(/The server could not be reached/)).toBeVisible();
  await user.click(screen.getByRole('button', { name: 'Try again' }));
  expect(await screen.findByRole('list', { name: 'Sessions' })).toBeVisible();
});
