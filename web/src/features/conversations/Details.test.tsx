import { screen, waitFor, within } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';
import { useCircle } from '../../circle';
import { createFakeClient, FakeError } from '../../dev/fakeClient';
import { bob } from '../../dev/people';
import { renderView } from '../../test/render';
import { Details } from './Details';

function Live({ id }: { id: string }) {
  const conversation = useCircle((state) => state.conversations[id]);
  return conversation && <Details conversation={conversation} onClose={vi.fn()} />;
}

const BOOKS = 'conversation-1';

function open(id = BOOKS) {
  const client = createFakeClient();
  const remove = vi.spyOn(client, 'removePerson');
  return { ...renderView(<Live id={id} />, { client }), remove };
}
const people = () => screen.getByRole('list', { name: 'People' });

describe('removing a person', () => {
  it('asks first, says what it means, and does nothing when cancelled', async () => {
    const { user, remove } = open();
    await user.click(screen.getByRole('button', { name: 'Options for Bob Okafor' }));
    await user.click(await screen.findByRole('menuitem', { name: 'Remove from this group' }));
    const dialog = await screen.findByRole('dialog', { name: 'Remove Bob Okafor?' });
    expect(dialog).toHaveTextContent('will not be able to read anything that is written in “Book club” from now on');
    expect(dialog).toHaveTextContent('What they have received so far stays on their devices.');
    await user.click(within(dialog).getByRole('button', { name: 'Cancel' }));
    expect(remove).not.toHaveBeenCalled();
    expect(people()).toHaveTextContent('Bob Okafor');
  });

  it('removes after confirmation', async () => {
    const { user, remove } = open();
    await user.click(screen.getByRole('button', { name: 'Options for Bob Okafor' }));
    await user.click(await screen.findByRole('menuitem', { name: 'Remove from this group' }));
    await user.click(await screen.findByRole('button', { name: 'Remove Bob Okafor' }));
    expect(remove).toHaveBeenCalledExactlyOnceWith(BOOKS, bob.id);
    await waitFor(() => expect(people()).not.toHaveTextContent('Bob Okafor'));
  });

  it('stays open with the reason when it fails', async () => {
    const { user, remove } = open();
    remove.mockRejectedValueOnce(new FakeError('Someone else has just changed this group. Please try again.'));
    await user.click(screen.getByRole('button', { name: 'Options for Bob Okafor' }));
    await user.click(await screen.findByRole('menuitem', { name: 'Remove from this group' }));
    const dialog = await screen.findByRole('dialog', { name: 'Remove Bob Okafor?' });
    await user.click(within(dialog).getByRole('button', { name: 'Remove Bob Okafor' }));
    expect(await within(dialog).findByText(/Someone else has just changed this group/)).toBeVisible();
    expect(people()).toHaveTextContent('Bob Okafor');
  });
});

describe('what one may do', () => {
  it('is everything for an owner, but nothing about oneself', () => {
    open();
    expect(screen.getByRole('button', { name: 'Add people' })).toBeVisible();
    expect(screen.getByRole('button', { name: 'Change title or picture' })).toBeVisible();
    expect(screen.queryByRole('button', { name: 'Options for Ada Lindqvist' })).not.toBeInTheDocument();
  });

  it('is leaving, for a reader', () => {
    open('conversation-3');
    expect(screen.queryByRole('button', { name: /^Options for/ })).not.toBeInTheDocument();
    expect(screen.queryByRole('button', { name: 'Add people' })).not.toBeInTheDocument();
    expect(screen.getByRole('button', { name: 'Leave this channel' })).toBeVisible();
  });

  it('is nothing but reading about it, in a direct conversation', () => {
    open('conversation-2');
    expect(screen.queryByRole('button', { name: /^Options for|Leave|Add people|Change title/ })).not.toBeInTheDocument();
  });

  it('changes a role', async () => {
    const { user } = open();
    await user.click(screen.getByRole('button', { name: 'Options for Bob Okafor' }));
    await user.click(await screen.findByRole('menuitemradio', { name: /^Admin/ }));
    const row = screen.getByText('Bob Okafor').closest('li');
    await waitFor(() => expect(row).toHaveTextContent('Admin'));
  });

  it('keeps the only owner from leaving, and says why', async () => {
    const { user } = open();
    await user.click(screen.getByRole('button', { name: 'Leave this group' }));
    const dialog = await screen.findByRole('dialog', { name: 'Leave “Book club”?' });
    expect(dialog).toHaveTextContent('You are the only owner.');
    expect(within(dialog).queryByRole('button', { name: 'Leave this group' })).not.toBeInTheDocument();
  });
});

it('adds people who are not in yet', async () => {
  const { user } = open();
  await user.click(screen.getByRole('button', { name: 'Add people' }));
  const dialog = await screen.findByRole('dialog', { name: 'Add people' });
  expect(await within(dialog).findByRole('option', { name: 'Chen Wei, @chen' })).toBeVisible();
  expect(within(dialog).queryByRole('option', { name: /Bob/ })).not.toBeInTheDocument();
  await user.click(within(dialog).getByRole('option', { name: 'Chen Wei, @chen' }));
  await user.click(within(dialog).getByRole('button', { name: 'Add Chen Wei' }));
  await waitFor(() => expect(people()).toHaveTextContent('Chen Wei'));
});
