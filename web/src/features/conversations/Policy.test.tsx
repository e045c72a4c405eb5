import { act, screen, waitFor, within } from '@testing-library/react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { useCircle } from '../../circle';
import { createFakeClient, FakeError, type Scene } from '../../dev/fakeClient';
import { fullState } from '../../dev/samples';
import { renderView } from '../../test/render';
import { Details } from './Details';
import { usePolicyWindow } from './model';
import { NewConversationForm } from './NewConversationForm';
import { PolicyWindow } from './PolicyWindow';

const BOOKS = 'conversation-1';
const BOB = 'conversation-2';
const NEWS = 'conversation-3';

function Live({ id }: { id: string }) {
  const conversation = useCircle((state) => state.conversations[id]);
  return (
    conversation && (
      <>
        <Details conversation={conversation} onClose={vi.fn()} />
        <PolicyWindow />
      </>
    )
  );
}

function open(id = BOOKS, scene: Scene = {}) {
  const client = createFakeClient(scene);
  const set = vi.spyOn(client.policy, 'set');
  return { ...renderView(<Live id={id} />, { client }), set };
}

afterEach(() => act(() => usePolicyWindow.getState().close()));

describe('disappearing messages', () => {
  it('are set by an admin, who is told that it does not reach back', async () => {
    const { user, set } = open();
    await user.click(screen.getByRole('button', { name: /Disappearing messages/ }));
    const dialog = await screen.findByRole('dialog', { name: 'Disappearing messages' });
    expect(within(dialog).getAllByRole('radio').map((one) => (one as HTMLInputElement).labels?.[0]?.textContent)).toEqual([
      'Off: messages stay',
      'After 1 hour',
      'After 8 hours',
      'After 1 day',
      'After 7 days',
      'After 30 days',
      'After 90 days',
    ]);
    expect(dialog).toHaveTextContent('It does not reach back: messages that are here already keep the time they were sent with.');
    await user.click(within(dialog).getByRole('radio', { name: 'After 1 day' }));
    await user.click(within(dialog).getByRole('button', { name: 'Save' }));
    expect(set).toHaveBeenCalledExactlyOnceWith(BOOKS, { lifetime: 3 });
    await waitFor(() => expect(screen.getByRole('button', { name: /Disappearing messages/ })).toHaveTextContent('After 1 day'));
  });

  it('stay as they were, with the reason, when it fails', async () => {
    const { user, set } = open();
    set.mockRejectedValueOnce(new FakeError('Someone else has just changed this group. Please try again.'));
    await user.click(screen.getByRole('button', { name: /Disappearing messages/ }));
    const dialog = await screen.findByRole('dialog', { name: 'Disappearing messages' });
    await user.click(within(dialog).getByRole('radio', { name: 'After 1 hour' }));
    await user.click(within(dialog).getByRole('button', { name: 'Save' }));
    expect(await within(dialog).findByText(/Someone else has just changed this group/)).toBeVisible();
    expect(screen.getByText('Off: messages stay', { selector: 'button *' })).toBeInTheDocument();
  });

  it('are nothing to ask the server for when nothing was changed', async () => {
    const { user, set } = open();
    await user.click(screen.getByRole('button', { name: /Disappearing messages/ }));
    await user.click(within(await screen.findByRole('dialog')).getByRole('button', { name: 'Save' }));
    await waitFor(() => expect(screen.queryByRole('dialog')).not.toBeInTheDocument());
    expect(set).not.toHaveBeenCalled();
  });

  it('are set by both in a direct conversation, where there is no history to share', () => {
    open(BOB);
    expect(screen.getByRole('button', { name: /Disappearing messages/ })).toBeVisible();
    expect(screen.queryByText('New people can read')).not.toBeInTheDocument();
  });

  it('are only told to a reader', () => {
    open(NEWS);
    expect(screen.getByText('Off: messages stay')).toBeVisible();
    expect(screen.queryByRole('button', { name: /Disappearing messages/ })).not.toBeInTheDocument();
    expect(screen.getByText('Admins can change this.')).toBeVisible();
  });
});

describe('what newcomers read', () => {
  it('is chosen by an admin', async () => {
    const { user, set } = open();
    await user.click(screen.getByRole('button', { name: /New people can read/ }));
    const dialog = await screen.findByRole('dialog', { name: 'What new people can read' });
    await user.click(within(dialog).getByRole('radio', { name: 'Everything from before as well' }));
    await user.click(within(dialog).getByRole('button', { name: 'Save' }));
    expect(set).toHaveBeenCalledExactlyOnceWith(BOOKS, { history: 'SHARED' });
    await waitFor(() => expect(screen.getByRole('button', { name: /New people can read/ })).toHaveTextContent('Everything from before as well'));
  });

  it.each([
    ['JOINING', 0, 'They will be able to read only what is written after they join.'],
    ['SHARED', 4, 'They will be able to read everything that was written here before and that you can read, except for messages that have disappeared. Messages here disappear after 7 days.'],
  ] as const)('is said before anybody is added: %s', async (history, lifetime, sentence) => {
    const state = fullState();
    const books = state.conversations[BOOKS];
    if (books) state.conversations[BOOKS] = { ...books, history, lifetime };
    const { user } = open(BOOKS, { state });
    await user.click(screen.getByRole('button', { name: 'Add people' }));
    expect(await screen.findByRole('note', { name: 'What they will be able to read' })).toHaveTextContent(sentence);
  });
});

describe('at creation', () => {
  it('is said in a sentence and chosen on request', async () => {
    const client = createFakeClient();
    const create = vi.spyOn(client, 'createConversation');
    const { user } = renderView(<NewConversationForm onDone={vi.fn()} />, { client });
    await user.click(screen.getByRole('radio', { name: 'Group' }));
    expect(screen.getByText('Messages stay. People who are added later read only what comes after.')).toBeVisible();
    await user.click(screen.getByRole('button', { name: 'Change what is kept' }));
    expect(screen.getByRole('combobox', { name: 'Disappearing messages' })).toHaveFocus();
    await user.click(screen.getByRole('combobox', { name: 'Disappearing messages' }));
    await user.click(await screen.findByRole('option', { name: 'After 7 days' }));
    await user.click(screen.getByRole('combobox', { name: 'New people can read' }));
    await user.click(await screen.findByRole('option', { name: 'Everything from before as well' }));
    await user.type(screen.getByLabelText('Title'), 'Sailing');
    await user.click(screen.getByRole('button', { name: 'Create group' }));
    expect(create).toHaveBeenCalledExactlyOnceWith({ type: 'GROUP', people: [], title: 'Sailing', lifetime: 4, history: 'SHARED' });
  });

  it('asks nothing about history of two people', async () => {
    const client = createFakeClient();
    const create = vi.spyOn(client, 'createConversation');
    const { user } = renderView(<NewConversationForm onDone={vi.fn()} />, { client });
    await user.click(screen.getByRole('button', { name: 'Change what is kept' }));
    expect(screen.queryByRole('combobox', { name: 'New people can read' })).not.toBeInTheDocument();
    await user.click(await screen.findByRole('option', { name: 'Chen Wei, @chen' }));
    await user.click(screen.getByRole('button', { name: 'Start conversation' }));
    expect(create).toHaveBeenCalledExactlyOnceWith({ type: 'DIRECT', people: ['member-chen'], lifetime: 0 });
  });
});
