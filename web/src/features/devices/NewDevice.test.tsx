import { act, screen, waitFor, within } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';
import { createFakeClient } from '../../dev/fakeClient';
import { FIRST_KEY, LINK_WORDS, OTHER_LINK_WORDS, SECOND_KEY } from '../../dev/words';
import { renderView } from '../../test/render';
import { NewDevice } from './NewDevice';

const NO_KEYS = { state: { phase: 'no-keys' } } as const;

function open(way: string, scene = {}) {
  const client = createFakeClient({ ...NO_KEYS, ...scene });
  const view = renderView(<NewDevice />, { client });
  return { ...view, client, start: () => view.user.click(screen.getByRole('button', { name: new RegExp(way) })) };
}
const shown = (name: string) => within(screen.getByRole('list', { name })).getAllByRole('listitem').map((one) => one.lastChild?.textContent);

describe('linking this device', () => {
  it('shows a code and the same twelve words, with the time left', async () => {
    const { start } = open('Link with a device');
    await start();
    expect(await screen.findByRole('img', { name: 'Code to scan with your other device' })).toBeVisible();
    expect(shown('Words of this link')).toEqual(LINK_WORDS);
    expect(screen.getByRole('timer')).toHaveTextContent(/^(5:00|4:5\d)$/);
    expect(screen.getByText('Waiting for your other device')).toBeVisible();
  });

  it('is in as soon as the other device says so', async () => {
    const { start, client } = open('Link with a device');
    await start();
    await screen.findByRole('img', { name: /Code to scan/ });
    act(() => client.devices.letIn());
    expect(client.store.getState().phase).toBe('ready');
  });

  it('makes new words when asked, and gives up the old ones', async () => {
    const { start, user } = open('Link with a device');
    await start();
    await screen.findByRole('img', { name: /Code to scan/ });
    await user.click(screen.getByRole('button', { name: 'New words' }));
    await waitFor(() => expect(shown('Words of this link')).toEqual(OTHER_LINK_WORDS));
    expect(screen.queryByRole('alert', { name: /stopped/ })).not.toBeInTheDocument();
  });

  it('says when the words have ended, shows them no longer, and offers new ones', async () => {
    const { start, user, client } = open('Link with a device', { linkFor: 30 });
    await start();
    expect(await screen.findByRole('heading', { name: 'The words have ended' })).toBeVisible();
    expect(screen.queryByRole('list', { name: 'Words of this link' })).not.toBeInTheDocument();
    const offer = vi.spyOn(client.devices, 'offer');
    await user.click(screen.getByRole('button', { name: 'Show new words' }));
    expect(offer).toHaveBeenCalledOnce();
  });

  it('tells why linking failed, and tries again', async () => {
    const { start, user, client } = open('Link with a device');
    await start();
    await screen.findByRole('img', { name: /Code to scan/ });
    act(() => client.devices.letIn('The answer does not fit this request.'));
    expect(await screen.findByText(/The answer does not fit this request/)).toBeVisible();
    await user.click(screen.getByRole('button', { name: 'Try again' }));
    expect(await screen.findByRole('list', { name: 'Words of this link' })).toBeVisible();
  });

  it('asks no longer when one goes back', async () => {
    const { start, user, client } = open('Link with a device');
    let cancel;
    const offer = client.devices.offer.bind(client.devices);
    vi.spyOn(client.devices, 'offer').mockImplementation(async () => {
      const link = await offer();
      cancel = vi.spyOn(link, 'cancel');
      return link;
    });
    await start();
    await screen.findByRole('img', { name: /Code to scan/ });
    await user.click(screen.getByRole('button', { name: 'Back' }));
    expect(cancel).toHaveBeenCalled();
    expect(screen.getByRole('heading', { level: 1 })).toHaveFocus();
  });
});

describe('the recovery key', () => {
  it('opens everything with the words that are pasted', async () => {
    const { start, user, client } = open('Use your recovery key');
    await start();
    expect(screen.getByLabelText('Word 1')).toHaveFocus();
    await user.paste(FIRST_KEY.join(' '));
    expect(screen.getByText('All words fit')).toBeVisible();
    await user.click(screen.getByRole('button', { name: 'Open my messages' }));
    await waitFor(() => expect(client.store.getState().phase).toBe('ready'));
  });

  it('opens everything by the first four letters of each', async () => {
    const { start, user, client } = open('Use your recovery key');
    await start();
    await user.keyboard(FIRST_KEY.map((word) => `${word.slice(0, 4)} `).join(''));
    expect(screen.getByLabelText('Word 24')).toHaveValue('jewel');
    await user.keyboard('{Enter}');
    await waitFor(() => expect(client.store.getState().phase).toBe('ready'));
  });

  it('reads the file that was saved, and refuses one without a key', async () => {
    const { start, user, container } = open('Use your recovery key');
    await start();
    const input = container.querySelector<HTMLInputElement>('input[type="file"]');
    if (!input) throw new Error('There is no field for a file.');
    await user.upload(input, new File(['Nothing here'], 'shopping.txt', { type: 'text/plain' }));
    expect(await screen.findByText('There is no recovery key in “shopping.txt”. It should hold 24 words.')).toBeVisible();
    const numbered = FIRST_KEY.map((word, at) => `${at + 1}. ${word}`).join('\n');
    await user.upload(input, new File([`Circle recovery key\n${numbered}\n`], 'circle-recovery-key.txt', { type: 'text/plain' }));
    await waitFor(() => expect(screen.getByLabelText('Word 24')).toHaveValue('jewel'));
    expect(screen.queryByText(/There is no recovery key/)).not.toBeInTheDocument();
  });

  it('tells a key of another account, and keeps what was typed', async () => {
    const { start, user, client } = open('Use your recovery key');
    await start();
    await user.paste(SECOND_KEY.join(' '));
    await user.click(screen.getByRole('button', { name: 'Open my messages' }));
    expect(await screen.findByText(/This recovery key does not open this account/)).toBeVisible();
    expect(screen.getByLabelText('Word 24')).toHaveValue('poet');
    expect(client.store.getState().phase).toBe('no-keys');
  });
});

describe('beginning anew', () => {
  it('explains, asks for handle and password, asks again, shows a key, and only then begins', async () => {
    const { start, user, client } = open('I have lost everything');
    const reset = vi.spyOn(client.recovery, 'reset');
    const confirmReset = vi.spyOn(client.recovery, 'confirmReset');
    await start();
    expect(screen.getByText('Your messages are lost')).toBeVisible();
    expect(screen.getByText('Everyone you write with is told')).toBeVisible();
    await user.click(screen.getByRole('button', { name: 'I have nothing left, go on' }));

    await user.type(screen.getByLabelText('Your handle'), 'bob');
    await user.click(screen.getByRole('button', { name: 'Give up my messages and begin anew' }));
    expect(screen.getByText(/This is not your handle/)).toBeVisible();
    expect(screen.getByLabelText('Your handle')).toHaveFocus();
    await user.clear(screen.getByLabelText('Your handle'));
    await user.type(screen.getByLabelText('Your handle'), '@Ada');
    await user.type(screen.getByLabelText('Password'), 'the right one{Enter}');
    const dialog = await screen.findByRole('dialog', { name: 'Give up all your messages?' });
    expect(reset).not.toHaveBeenCalled();
    await user.click(within(dialog).getByRole('button', { name: 'Yes, begin anew' }));

    expect(await screen.findByRole('heading', { name: 'Your recovery key' })).toBeVisible();
    expect(shown('Recovery key')).toEqual(SECOND_KEY);
    await user.click(screen.getByRole('button', { name: 'I have saved my recovery key' }));
    expect(confirmReset).not.toHaveBeenCalled();
    for (const field of screen.getAllByLabelText(/^Word \d+$/)) {
      await user.type(field, SECOND_KEY[Number(/\d+/.exec(field.getAttribute('name') ?? '')?.[0])] ?? '');
    }
    await user.click(screen.getByRole('button', { name: 'Begin anew' }));
    await waitFor(() => expect(client.store.getState().phase).toBe('ready'));
    expect(reset).toHaveBeenCalledExactlyOnceWith('the right one');
  });

  it('tells a wrong password where it was asked for', async () => {
    const { start, user, client } = open('I have lost everything');
    await start();
    await user.click(screen.getByRole('button', { name: 'I have nothing left, go on' }));
    await user.type(screen.getByLabelText('Your handle'), 'ada');
    await user.type(screen.getByLabelText('Password'), 'wrong password{Enter}');
    const dialog = await screen.findByRole('dialog');
    await user.click(within(dialog).getByRole('button', { name: 'Yes, begin anew' }));
    expect(await within(dialog).findByText('That is not the right password.')).toBeVisible();
    expect(client.store.getState().phase).toBe('no-keys');
  });
});
