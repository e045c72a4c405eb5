import { screen, waitFor, within } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';
import { Shell } from '../../app/Shell';
import { createFakeClient } from '../../dev/fakeClient';
import { trustScenes } from '../../dev/trustScenes';
import { renderView } from '../../test/render';

function open(path = '/') {
  const client = createFakeClient(trustScenes['account']?.());
  const offer = vi.spyOn(client.trust, 'offerMissing');
  const accept = vi.spyOn(client.trust, 'acceptState');
  return { ...renderView(<Shell />, { client, path }), offer, accept };
}
const warning = () => screen.getByRole('region', { name: 'Warning' });

describe('an alarm about the account', () => {
  it.each(['/', '/settings'])('stands above %s', (path) => {
    open(path);
    expect(warning()).toHaveTextContent('The server shows an older state of your account than before. Your other devices do not hear from this one whom you verify.');
  });

  it('is over when the server takes what is missing, and the keyboard is where that is said', async () => {
    const { user, offer } = open();
    await user.click(await screen.findByRole('button', { name: 'Offer what is missing' }));
    expect(offer).toHaveBeenCalledExactlyOnceWith('account');
    expect(await screen.findByText('The server has taken 3 entries back, and has everything again. Your devices hear from each other again.')).toBeVisible();
    expect(screen.queryByRole('region', { name: 'Warning' })).not.toBeInTheDocument();
    expect(document.activeElement).toContainElement(screen.getByRole('button', { name: 'Dismiss' }));
    await user.click(screen.getByRole('button', { name: 'Dismiss' }));
    expect(screen.queryByText(/has taken 3 entries/)).not.toBeInTheDocument();
  });

  it('is gone on with after the dialogue that says what that means', async () => {
    const { user, accept } = open();
    await user.click(await screen.findByRole('button', { name: 'Go on with what the server shows…' }));
    const dialog = await screen.findByRole('dialog', { name: 'Go on with what the server shows?' });
    expect(dialog).toHaveTextContent('You then take what the server shows of your account for the truth.');
    await user.click(within(dialog).getByRole('button', { name: 'Go on' }));
    expect(accept).toHaveBeenCalledExactlyOnceWith('account');
    expect(await screen.findByText(/go on with what the server shows of your account/)).toBeVisible();
    await waitFor(() => expect(screen.queryByRole('dialog')).not.toBeInTheDocument());
  });
});
