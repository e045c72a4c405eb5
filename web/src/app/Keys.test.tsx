import { screen, waitFor, within } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';
import { createFakeClient, FakeError, type Scene } from '../dev/fakeClient';
import { scenes } from '../dev/scenes';
import { renderView } from '../test/render';
import { Gate } from './Gate';

const address = () => screen.getByLabelText('Address').textContent;

function open(scene: string, path = '/', more: Scene = {}) {
  const client = createFakeClient({ ...scenes[scene]?.(), ...more });
  return renderView(<Gate />, { client, path });
}

it('leads from the sign-in on a new browser to the ways of bringing the messages here', async () => {
  const { user } = open('new-browser');
  await user.type(await screen.findByLabelText('Handle'), 'ada');
  await user.type(screen.getByLabelText('Password'), 'the right one{Enter}');
  expect(await screen.findByRole('heading', { name: 'Your messages are not on this browser yet' })).toBeVisible();
  expect(screen.getByRole('button', { name: /Link with a device you have/ })).toBeVisible();
});

describe('what the client has to tell', () => {
  it('stands before the sign-in of a device that was removed, until it is dismissed', async () => {
    const { user } = open('wiped');
    expect(await screen.findByText(/This device was removed from your account/)).toBeVisible();
    await user.click(screen.getByRole('button', { name: 'Dismiss' }));
    expect(screen.queryByText(/was removed/)).not.toBeInTheDocument();
    expect(screen.getByRole('heading', { name: 'Sign in to Circle' })).toBeVisible();
  });

  it('stands above the conversations as well', async () => {
    const { user } = open('notice-inside');
    expect(await screen.findByText(/has replaced the recovery key/)).toBeVisible();
    await user.click(screen.getByRole('button', { name: 'Dismiss' }));
    expect(screen.queryByText(/has replaced the recovery key/)).not.toBeInTheDocument();
  });
});

describe('the reminder', () => {
  it('leads to the recovery key, and goes when it is confirmed', async () => {
    const { user, client } = open('unconfirmed');
    const reminder = await screen.findByRole('complementary', { name: 'Recovery key' });
    await user.click(within(reminder).getByRole('link', { name: 'Confirm now' }));
    expect(address()).toBe('/settings/recovery-key');
    expect(await screen.findByText('Not confirmed yet')).toBeVisible();
    expect(screen.queryByRole('complementary', { name: 'Recovery key' })).not.toBeInTheDocument();
    client.store.setState({ recoveryKeyConfirmed: true });
    expect(await screen.findByText('Confirmed')).toBeVisible();
  });

  it('is not there for those who have confirmed theirs', async () => {
    open('full');
    await screen.findByRole('heading', { name: 'Conversations' });
    expect(screen.queryByRole('complementary', { name: 'Recovery key' })).not.toBeInTheDocument();
  });
});

describe('the settings', () => {
  it('lead to their pages and back with Escape, with the focus on each title', async () => {
    const { user } = open('locks', '/settings');
    const pages = await screen.findByRole('list', { name: 'Your keys and privacy' });
    await waitFor(() => expect(pages).toHaveTextContent('passkey and passphrase'));
    expect(pages).toHaveTextContent('3');
    await user.click(within(pages).getByRole('link', { name: /^Devices/ }));
    expect(await screen.findByRole('heading', { level: 1, name: 'Devices' })).toHaveFocus();
    expect(await screen.findByRole('list', { name: 'Sessions' })).toBeVisible();
    await user.keyboard('{Escape}');
    expect(address()).toBe('/settings');
    await user.click(screen.getByRole('link', { name: /^Lock/ }));
    expect(await screen.findByRole('heading', { level: 1, name: 'Lock' })).toHaveFocus();
    await user.click(screen.getByRole('button', { name: 'Lock' }));
    expect(await screen.findByRole('heading', { name: 'Welcome back' })).toBeVisible();
  });

  it('show what there is when the server cannot be reached', async () => {
    open('full', '/settings', { failing: true });
    expect(await screen.findByRole('link', { name: /^Devices/ })).toBeVisible();
    expect(screen.getByRole('link', { name: /^Recovery key/ })).toBeVisible();
  });
});

describe('a locked browser', () => {
  it('opens with the passkey', async () => {
    const { user } = open('locked-passkey');
    const button = await screen.findByRole('button', { name: 'Unlock with passkey' });
    expect(button).toHaveFocus();
    await user.click(button);
    expect(await screen.findByRole('heading', { name: 'Conversations' })).toBeVisible();
  });

  it('says why the passkey did not open it, and takes the passphrase', async () => {
    const client = createFakeClient(scenes['locked-passkey']?.());
    vi.spyOn(client.locking, 'unlockWithPasskey').mockRejectedValueOnce(new FakeError('You closed the window of your passkey.'));
    const unlock = vi.spyOn(client, 'unlock');
    const { user } = renderView(<Gate />, { client });
    await user.click(await screen.findByRole('button', { name: 'Unlock with passkey' }));
    expect(await screen.findByText('You closed the window of your passkey.')).toBeVisible();
    await user.type(screen.getByLabelText('Passphrase of this browser'), 'four blue kettles{Enter}');
    expect(await screen.findByRole('heading', { name: 'Conversations' })).toBeVisible();
    expect(unlock).toHaveBeenCalledExactlyOnceWith('four blue kettles');
  });

  it('asks for the password where it cannot be told what opens it', async () => {
    const client = createFakeClient(scenes['locked-passkey']?.());
    vi.spyOn(client.locking, 'state').mockRejectedValue(new FakeError('Not now.'));
    renderView(<Gate />, { client });
    expect(await screen.findByLabelText('Password')).toHaveFocus();
    expect(screen.queryByRole('button', { name: 'Unlock with passkey' })).not.toBeInTheDocument();
  });
});
