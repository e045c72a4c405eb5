import { act, screen, waitFor, within } from '@testing-library/react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createFakeClient, FakeError, type Scene } from '../../dev/fakeClient';
import { safetyCode } from '../../dev/fakeTrust';
import { ada, bob, emil } from '../../dev/people';
import { trustScenes } from '../../dev/trustScenes';
import { renderView } from '../../test/render';
import { useProfile, useReadmit } from './model';
import { Profile } from './Profile';

/** What the camera sees; jsdom has none. */
const camera = vi.hoisted(() => ({ code: '' }));
vi.mock('../../ui/QrScanner', () => ({
  hasCamera: () => true,
  QrScanner: ({ onRead, target }: { onRead: (text: string) => boolean; target: string }) => (
    <button type="button" onClick={() => onRead(camera.code)}>
      See {target}
    </button>
  ),
}));

function open(person = emil, scene: Scene = {}) {
  const client = createFakeClient(scene);
  const setVerified = vi.spyOn(client.trust, 'setVerified');
  const view = renderView(<Profile />, { client });
  act(() => useProfile.getState().open(person));
  return { ...view, setVerified };
}
const dialog = () => screen.findByRole('dialog', { name: 'Profile' });

afterEach(() =>
  act(() => {
    useProfile.getState().close();
    useReadmit.getState().close();
  }),
);

describe('the safety number', () => {
  it('is twelve groups of five digits, spoken digit by digit, and a code', async () => {
    open();
    const groups = within(await screen.findByRole('list', { name: 'Safety number' })).getAllByRole('listitem');
    expect(groups).toHaveLength(12);
    for (const group of groups) {
      const [seen, spoken] = Array.from(group.children, (one) => one.textContent);
      expect(seen).toMatch(/^\d{5}$/);
      expect(spoken).toBe(seen?.split('').join(' '));
    }
    expect(screen.getByRole('img', { name: 'Safety number as a QR code' })).toBeVisible();
    expect(await dialog()).toHaveTextContent('Compare them where you can be sure that it is Emil: side by side, or on a call.');
  });

  it('is marked as verified, and the mark taken back', async () => {
    const { user, setVerified, client } = open();
    expect(await screen.findByText('Not compared yet')).toBeVisible();
    await user.click(screen.getByRole('button', { name: 'Mark as verified' }));
    expect(setVerified).toHaveBeenLastCalledWith(emil.id, true);
    expect(await screen.findByText(/You have verified Emil/)).toBeVisible();
    expect(within(screen.getByRole('heading', { name: /Emil Haugen/ })).getByRole('img', { name: 'Verified' })).toBeVisible();
    expect(client.store.getState().conversations['conversation-1']?.participants.find((one) => one.person.id === emil.id)?.person.verified).toBe(true);

    await user.click(screen.getByRole('button', { name: 'Undo' }));
    expect(setVerified).toHaveBeenLastCalledWith(emil.id, false);
    expect(await screen.findByText('Not compared yet')).toBeVisible();
    expect(screen.queryByRole('img', { name: 'Verified' })).not.toBeInTheDocument();
  });

  it('stays unverified with the reason when marking fails', async () => {
    const { user, setVerified } = open();
    setVerified.mockRejectedValueOnce(new FakeError('This browser is offline. Please try again later.'));
    await user.click(await screen.findByRole('button', { name: 'Mark as verified' }));
    expect(await screen.findByText('This browser is offline. Please try again later.')).toBeVisible();
    expect(screen.getByText('Not compared yet')).toBeVisible();
  });

  it('says when it cannot be shown, and tries again', async () => {
    const client = createFakeClient();
    vi.spyOn(client.trust, 'safetyNumber').mockRejectedValueOnce(new FakeError('The keys of this person are not known yet.'));
    const { user } = renderView(<Profile />, { client });
    act(() => useProfile.getState().open(emil));
    expect(await screen.findByText(/The keys of this person are not known yet/)).toBeVisible();
    expect(screen.queryByRole('button', { name: 'Mark as verified' })).not.toBeInTheDocument();
    await user.click(screen.getByRole('button', { name: 'Try again' }));
    expect(await screen.findByRole('button', { name: 'Mark as verified' })).toBeVisible();
  });

  it('warns where the keys are new', async () => {
    open(bob, trustScenes['changed']?.());
    expect(await screen.findByText('This is a new number')).toBeVisible();
    expect(await dialog()).toHaveTextContent('compare the new number before you trust it');
  });
});

describe('comparing by camera', () => {
  it('marks as verified when the codes are the same', async () => {
    const { user } = open();
    await user.click(await screen.findByRole('button', { name: 'Compare by camera' }));
    expect(await dialog()).toHaveTextContent('Ask Emil to open your profile in Circle');
    camera.code = safetyCode(emil.id);
    await user.click(screen.getByRole('button', { name: 'See the code that Emil shows you' }));
    expect(await screen.findByText(/You have verified Emil/)).toBeVisible();
  });

  it('says what to do when they are not, and scans again', async () => {
    const { user } = open();
    await user.click(await screen.findByRole('button', { name: 'Compare by camera' }));
    camera.code = safetyCode(bob.id);
    await user.click(screen.getByRole('button', { name: 'See the code that Emil shows you' }));
    const warning = await screen.findByText('The codes are not the same');
    expect(warning.closest('[role=alert]')).toHaveTextContent('do not write anything confidential here');
    await user.click(screen.getByRole('button', { name: 'Scan again' }));
    camera.code = safetyCode(emil.id);
    await user.click(await screen.findByRole('button', { name: 'See the code that Emil shows you' }));
    expect(await screen.findByText(/You have verified Emil/)).toBeVisible();
  });

  it('says when the comparison could not be made', async () => {
    const { user, client } = open();
    vi.spyOn(client.trust, 'compare').mockRejectedValueOnce(new FakeError('This is not a code of Circle.'));
    await user.click(await screen.findByRole('button', { name: 'Compare by camera' }));
    await user.click(screen.getByRole('button', { name: 'See the code that Emil shows you' }));
    expect(await screen.findByText('This is not a code of Circle.')).toBeVisible();
    await user.click(screen.getByRole('button', { name: 'Cancel' }));
    expect(await screen.findByRole('list', { name: 'Safety number' })).toBeVisible();
  });
});

describe('around it', () => {
  it('lists the conversations in common and goes there', async () => {
    const { user } = open();
    const shared = within(await screen.findByRole('region', { name: 'Conversations in common' }));
    expect(shared.getAllByRole('button').map((one) => one.textContent)).toEqual(['Book clubGroup · 6 people', expect.stringContaining('House rules')]);
    await user.click(shared.getByRole('button', { name: /Book club/ }));
    expect(screen.getByLabelText('Address')).toHaveTextContent(`/c/${'00000001'.repeat(4)}`);
    await waitFor(() => expect(screen.queryByRole('dialog')).not.toBeInTheDocument());
  });

  it('offers to let a person in again where they wait', async () => {
    const { user } = open(bob, trustScenes['changed']?.());
    await user.click(await screen.findByRole('button', { name: 'Let Bob Okafor in again: Book club' }));
    expect(useReadmit.getState().asked).toMatchObject({ conversation: 'conversation-1', person: { id: bob.id } });
  });

  it('opens the conversation with the person', async () => {
    const { user } = open(bob);
    await user.click(await screen.findByRole('button', { name: 'Write' }));
    await waitFor(() => expect(screen.getByLabelText('Address')).toHaveTextContent(`/c/${'00000002'.repeat(4)}`));
  });

  it('shows no number of oneself', async () => {
    open(ada);
    expect(await screen.findByRole('button', { name: 'Settings' })).toBeVisible();
    expect(screen.queryByText('Safety number')).not.toBeInTheDocument();
  });
});
