import { screen, waitFor } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';
import { Gate } from '../../app/Gate';
import { createFakeClient, FakeError } from '../../dev/fakeClient';
import { ada } from '../../dev/people';
import { scenes } from '../../dev/scenes';
import { renderView } from '../../test/render';
import { hueOf } from '../../ui';

function open(scene: string) {
  return renderView(<Gate />, { client: createFakeClient(scenes[scene]?.() ?? {}) });
}

/** The colour of the avatar beside somebody's handle. */
async function hueBeside(handle: string) {
  const name = await screen.findByText(handle);
  return name.parentElement?.parentElement?.querySelector<HTMLElement>('[style*="--hue"]')?.style.getPropertyValue('--hue');
}

describe('a tab that stands by for another', () => {
  it('says so, asks for no password, and goes on at the press of a button', async () => {
    const { user } = open('standing-by');
    expect(await screen.findByRole('heading', { name: 'Circle is open in another tab' })).toBeVisible();
    expect(screen.queryByLabelText('Password')).not.toBeInTheDocument();
    await user.click(screen.getByRole('button', { name: 'Use Circle here' }));
    expect(await screen.findByRole('heading', { name: 'Conversations' })).toBeVisible();
  });

  it('says why when it could not go on', async () => {
    const { user, client } = open('standing-by');
    vi.spyOn(client, 'takeOver').mockRejectedValueOnce(new FakeError('The keys of this browser could not be opened.'));
    await user.click(await screen.findByRole('button', { name: 'Use Circle here' }));
    expect(await screen.findByText('The keys of this browser could not be opened.')).toBeVisible();
    expect(screen.getByRole('heading', { name: 'Circle is open in another tab' })).toBeVisible();
  });
});

describe('before one is in', () => {
  it.each(['locked', 'standing-by'])('shows one in the colour of everywhere else: %s', async (scene) => {
    open(scene);
    expect(await hueBeside('@ada')).toBe(String(hueOf(ada.protocolId)));
  });

  it('leaves nothing of a conversation in the title of the window', async () => {
    const { client } = renderView(<Gate />, { path: `/c/${'00000001'.repeat(4)}` });
    await waitFor(() => expect(document.title).toContain('Book club'));
    await client.lock();
    await waitFor(() => expect(document.title).toBe('Circle'));
  });
});
