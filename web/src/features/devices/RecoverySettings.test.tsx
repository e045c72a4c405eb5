import { screen, waitFor, within } from '@testing-library/react';
import type { UserEvent } from '@testing-library/user-event';
import { expect, it, vi } from 'vitest';
import { createFakeClient, FakeError } from '../../dev/fakeClient';
import { FIRST_KEY, SECOND_KEY } from '../../dev/words';
import { renderView } from '../../test/render';
import { Page } from '../../ui';
import type { Frame } from '../identity';
import { RecoverySettings } from './RecoverySettings';

const UNCONFIRMED = { state: { recoveryKeyConfirmed: false } } as const;

const FramePage: Frame = ({ title, lead, children }) => (
  <Page title={title} lead={lead}>
    {children}
  </Page>
);

async function confirmWords(user: UserEvent) {
  await user.click(await screen.findByRole('button', { name: 'I have saved my recovery key' }));
  for (const field of screen.getAllByLabelText(/^Word \d+$/)) {
    await user.type(field, SECOND_KEY[Number(/\d+/.exec(field.getAttribute('name') ?? '')?.[0])] ?? '');
  }
  await user.click(screen.getByRole('button', { name: 'Put this key in force' }));
}

it('replaces the key only after the new one was confirmed', async () => {
  const client = createFakeClient();
  const confirm = vi.spyOn(client.recovery, 'confirm');
  const { user } = renderView(<RecoverySettings frame={FramePage} />, { client });
  expect(screen.getByText('Confirmed')).toBeVisible();
  await user.click(screen.getByRole('button', { name: 'Make a new recovery key' }));
  expect(await screen.findByRole('list', { name: 'Recovery key' })).toBeVisible();
  expect(confirm).not.toHaveBeenCalled();
  await confirmWords(user);
  expect(await screen.findByText('Your new recovery key is in force')).toBeVisible();
  expect(confirm).toHaveBeenCalledOnce();
});

it('keeps the words that were typed when the new key could not be put in force', async () => {
  const client = createFakeClient();
  vi.spyOn(client.recovery, 'confirm').mockRejectedValueOnce(new FakeError('The server could not be reached.'));
  const { user } = renderView(<RecoverySettings frame={FramePage} />, { client });
  await user.click(screen.getByRole('button', { name: 'Make a new recovery key' }));
  await confirmWords(user);
  expect(await screen.findByText('The server could not be reached.')).toBeVisible();
  await user.click(screen.getByRole('button', { name: 'Put this key in force' }));
  expect(await screen.findByText('Your new recovery key is in force')).toBeVisible();
});

it('confirms an unconfirmed key by its words, and not by those of another', async () => {
  const client = createFakeClient(UNCONFIRMED);
  const { user } = renderView(<RecoverySettings frame={FramePage} />, { client });
  await user.click(screen.getByRole('button', { name: 'I have my words' }));
  await user.click(screen.getByLabelText('Word 1'));
  await user.paste(SECOND_KEY.join(' '));
  await user.click(screen.getByRole('button', { name: 'Confirm' }));
  expect(await screen.findByText(/words of another recovery key/)).toBeVisible();
  expect(client.store.getState().recoveryKeyConfirmed).toBe(false);
  await user.click(screen.getByRole('button', { name: 'Clear' }));
  await user.paste(FIRST_KEY.join(' '));
  await user.click(screen.getByRole('button', { name: 'Confirm' }));
  expect(await screen.findByText('Your recovery key is right')).toBeVisible();
  await waitFor(() => expect(client.store.getState().recoveryKeyConfirmed).toBe(true));
});

it('makes a new key for those who cannot find theirs', async () => {
  const client = createFakeClient(UNCONFIRMED);
  const { user } = renderView(<RecoverySettings frame={FramePage} />, { client });
  await user.click(screen.getByRole('button', { name: 'I do not have them' }));
  await confirmWords(user);
  await waitFor(() => expect(client.store.getState().recoveryKeyConfirmed).toBe(true));
});

it('prints a sheet that says whose key it is and what it is for', async () => {
  const { user } = renderView(<RecoverySettings frame={FramePage} />);
  await user.click(screen.getByRole('button', { name: 'Make a new recovery key' }));
  await screen.findByRole('list', { name: 'Recovery key' });
  const sheet = within(document.body).getByText('Circle recovery key').closest<HTMLElement>('.paper');
  expect(sheet).toHaveTextContent('Account@ada');
  expect(sheet).toHaveTextContent('24poet');
  expect(sheet).toHaveTextContent('What it is for.');
});
