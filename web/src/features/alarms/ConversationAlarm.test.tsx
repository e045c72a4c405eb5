import { screen, waitFor, within } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';
import { useCircle } from '../../circle';
import { createFakeClient, FakeError, type Scene } from '../../dev/fakeClient';
import { trustScenes } from '../../dev/trustScenes';
import { renderView } from '../../test/render';
import { Conversation } from '../messages/Conversation';

const RULES = 'conversation-8';
const HIKE = 'conversation-4';
const BOOKS = 'conversation-1';

function Live({ id }: { id: string }) {
  const conversation = useCircle((state) => state.conversations[id]);
  return conversation && <Conversation conversation={conversation} onBack={vi.fn()} detailsOpen={false} onDetails={vi.fn()} />;
}

function open(id = RULES, scene: Scene = {}) {
  const client = createFakeClient(scene);
  const offer = vi.spyOn(client.trust, 'offerMissing');
  const accept = vi.spyOn(client.trust, 'acceptState');
  return { ...renderView(<Live id={id} />, { client }), offer, accept };
}
const warning = () => screen.getByRole('region', { name: 'Warning' });

describe('an alarm', () => {
  it('stops sending and explains itself on request', async () => {
    const { user } = open();
    expect(warning()).toHaveTextContent('The server shows this conversation differently');
    expect(screen.queryByLabelText('Message')).not.toBeInTheDocument();
    const more = screen.getByRole('button', { name: 'What does this mean?' });
    expect(more).toHaveAttribute('aria-expanded', 'false');
    await user.click(more);
    expect(screen.getByRole('button', { name: 'Show less' })).toHaveAttribute('aria-expanded', 'true');
    expect(warning()).toHaveTextContent('That happens when a server is restored from an older backup. It would also happen if somebody tampered with it.');
  });

  it('is over when the server takes the missing messages, and what came of it is said', async () => {
    const { user, offer } = open();
    await user.click(await screen.findByRole('button', { name: 'Offer the missing messages' }));
    expect(offer).toHaveBeenCalledExactlyOnceWith(RULES);
    expect(await screen.findByText('The server has taken 3 entries back, and has everything again. You can write here again.')).toBeVisible();
    expect(screen.queryByRole('region', { name: 'Warning' })).not.toBeInTheDocument();
    expect(screen.getByLabelText('Message')).toBeVisible();
    await user.click(screen.getByRole('button', { name: 'Dismiss' }));
    expect(screen.queryByText(/has taken 3 entries/)).not.toBeInTheDocument();
  });

  it('stays when the server takes only a part, and says what it has and what it lacks', async () => {
    const { user, offer, client } = open();
    const lines = client.store.getState().conversations[BOOKS]?.items.filter(({ body }) => body.kind === 'text') ?? [];
    const given = lines.filter(({ mine }) => mine).slice(-1);
    const missing = lines.filter(({ mine }) => !mine).slice(-2);
    offer.mockResolvedValueOnce({ taken: 2, given, lacking: 3, missing, refused: null });
    await user.click(await screen.findByRole('button', { name: 'Offer the missing messages' }));
    const told = within(await screen.findByRole('status', { name: 'What came of it' }));
    expect(await told.findByText(/^The server has taken 2 entries back\. It still lacks 3 entries\./)).toHaveTextContent(
      'Only the device on which something was written can give it back. Ask Bob Okafor and Dana Petrova to open this conversation and do the same; then offer the rest of yours.',
    );
    expect(told.getByRole('list', { name: 'Given back' })).toHaveTextContent(/^You: Thank you!/);
    expect(within(told.getByRole('list', { name: 'Still missing on the server' })).getAllByRole('listitem')).toHaveLength(2);
    expect(told.getByText('Dana Petrova: Perfect, see you on Thursday!')).toBeVisible();
    expect(warning()).toBeVisible();
  });

  it('says why the server took nothing', async () => {
    const { user, offer } = open();
    offer.mockResolvedValueOnce({ taken: 0, given: [], lacking: 1, missing: [], refused: 'This message is too old.' });
    await user.click(await screen.findByRole('button', { name: 'Offer the missing messages' }));
    expect(
      await screen.findByText('The server took nothing back from this device. It still lacks 1 entry. It did not take the next one: This message is too old. You can go on without it.'),
    ).toBeVisible();
  });

  it('shows that the offer is under way, and why it failed', async () => {
    const { user, offer } = open();
    let fail: (error: Error) => void = () => undefined;
    offer.mockImplementationOnce(() => new Promise((_, reject) => (fail = reject)));
    await user.click(await screen.findByRole('button', { name: 'Offer the missing messages' }));
    expect(await screen.findByText('Offering the server what this device holds…')).toBeVisible();
    expect(screen.getByRole('button', { name: 'Go on with what the server shows…' })).toBeDisabled();
    fail(new FakeError('The server could not be reached.'));
    expect(await screen.findByText(/The server could not be reached\./)).toBeVisible();
    await user.click(screen.getByRole('button', { name: 'Try again' }));
    expect(offer).toHaveBeenCalledTimes(2);
  });

  it('is accepted only after the dialogue that says what that means', async () => {
    const { user, accept } = open();
    await user.click(await screen.findByRole('button', { name: 'Go on with what the server shows…' }));
    const dialog = await screen.findByRole('dialog', { name: 'Go on with what the server shows?' });
    expect(dialog).toHaveTextContent('If somebody has tampered with the server, this is what they hope for.');
    await user.click(within(dialog).getByRole('button', { name: 'Cancel' }));
    expect(accept).not.toHaveBeenCalled();
    await user.click(screen.getByRole('button', { name: 'Go on with what the server shows…' }));
    await user.click(within(await screen.findByRole('dialog')).getByRole('button', { name: 'Go on' }));
    expect(accept).toHaveBeenCalledExactlyOnceWith(RULES);
    expect(await screen.findByText(/You have decided to go on with what the server shows/)).toBeVisible();
    await waitFor(() => expect(screen.queryByRole('dialog')).not.toBeInTheDocument());
  });

  it('stays, with the reason, when accepting fails', async () => {
    const { user, accept } = open();
    accept.mockRejectedValueOnce(new FakeError('The server could not be reached.'));
    await user.click(await screen.findByRole('button', { name: 'Go on with what the server shows…' }));
    const dialog = await screen.findByRole('dialog');
    await user.click(within(dialog).getByRole('button', { name: 'Go on' }));
    expect(await within(dialog).findByText('The server could not be reached.')).toBeVisible();
    expect(warning()).toBeInTheDocument();
  });

  it('says so where nothing can be done', async () => {
    const { user } = open(RULES, trustScenes['stuck']?.());
    await user.click(screen.getByRole('button', { name: 'What does this mean?' }));
    expect(warning()).toHaveTextContent('Nothing can be done about it on this device.');
    expect(screen.queryByRole('button', { name: /Offer|Go on/ })).not.toBeInTheDocument();
  });

  it('stands in a conversation that the server no longer lists', async () => {
    const { user } = open(HIKE, trustScenes['omitted']?.());
    expect(warning()).toHaveTextContent('The server no longer shows this conversation, although nobody removed you.');
    expect(await screen.findByRole('button', { name: 'Go on with what the server shows…' })).toBeVisible();
    expect(screen.queryByRole('button', { name: 'Offer the missing messages' })).not.toBeInTheDocument();
    expect(within(screen.getByRole('list', { name: 'Messages' })).getByText('I drive, room for three.')).toBeVisible();
    await user.click(screen.getByRole('button', { name: 'Go on with what the server shows…' }));
    expect(await screen.findByRole('dialog')).toHaveTextContent('You then count as having left “Saturday hike”.');
  });

  it('offers to look again when it is not known what can be done', async () => {
    const client = createFakeClient();
    vi.spyOn(client.trust, 'alarm').mockRejectedValueOnce(new FakeError('This browser could not read what it keeps.'));
    const { user } = renderView(<Live id={RULES} />, { client });
    expect(await screen.findByText(/could not read what it keeps/)).toBeVisible();
    await user.click(screen.getByRole('button', { name: 'Try again' }));
    expect(await screen.findByRole('button', { name: 'Offer the missing messages' })).toBeVisible();
  });
});
