import { act, screen, waitFor, within } from '@testing-library/react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { canReadmit, useCircle, whoCanReadmit, type ConversationState, type Participant } from '../../circle';
import { createFakeClient, FakeError } from '../../dev/fakeClient';
import { ada, as, bob, dana, emil } from '../../dev/people';
import { fullState } from '../../dev/samples';
import { trustScenes } from '../../dev/trustScenes';
import { renderView } from '../../test/render';
import { ChangedBanner } from './ChangedBanner';
import { useProfile, useReadmit } from './model';
import { Readmit } from './Readmit';

const BOOKS = 'conversation-1';
const HIKE = 'conversation-4';

function Live({ id }: { id: string }) {
  const conversation = useCircle((state) => state.conversations[id]);
  return (
    conversation && (
      <>
        <main tabIndex={-1}>
          <ChangedBanner conversation={conversation} />
        </main>
        <Readmit />
      </>
    )
  );
}

function open(id: string, scene = 'changed') {
  const client = createFakeClient(trustScenes[scene]?.() ?? {});
  const readmit = vi.spyOn(client.trust, 'readmit');
  return { ...renderView(<Live id={id} />, { client }), readmit };
}

afterEach(() =>
  act(() => {
    useReadmit.getState().close();
    useProfile.getState().close();
  }),
);

describe('somebody with a new identity', () => {
  it('is let in again after the explanation, and the banner goes', async () => {
    const { user, readmit } = open(BOOKS);
    expect(screen.getByRole('status', { name: 'New identity' })).toHaveTextContent('Bob Okafor began anew with a new identity. Until somebody lets Bob in again, Bob can read nothing that is written here.');
    await user.click(screen.getByRole('button', { name: 'Let Bob in again…' }));
    const dialog = await screen.findByRole('dialog', { name: 'Let Bob in again?' });
    expect(dialog).toHaveTextContent('It would look the same if somebody else had taken over the account.');
    expect(dialog).toHaveTextContent('compare safety numbers side by side or on a call');
    await user.click(within(dialog).getByRole('button', { name: 'Let Bob in again' }));
    expect(readmit).toHaveBeenCalledExactlyOnceWith(BOOKS, bob.id);
    await waitFor(() => expect(screen.queryByText('Bob Okafor began anew with a new identity.')).not.toBeInTheDocument());
    // The button that was pressed is gone: the keyboard goes on in the conversation.
    await waitFor(() => expect(screen.getByRole('main')).toHaveFocus());
  });

  it('is not let in by Cancel', async () => {
    const { user, readmit } = open(BOOKS);
    await user.click(screen.getByRole('button', { name: 'Let Bob in again…' }));
    const dialog = await screen.findByRole('dialog', { name: 'Let Bob in again?' });
    expect(within(dialog).getByRole('button', { name: 'Cancel' })).toHaveFocus();
    await user.keyboard('{Enter}');
    expect(readmit).not.toHaveBeenCalled();
    expect(screen.getByText('Bob Okafor began anew with a new identity.')).toBeVisible();
  });

  it('stays out with the reason when it fails', async () => {
    const { user, readmit } = open(BOOKS);
    readmit.mockRejectedValueOnce(new FakeError('Someone else has just changed this group. Please try again.'));
    await user.click(screen.getByRole('button', { name: 'Let Bob in again…' }));
    const dialog = await screen.findByRole('dialog', { name: 'Let Bob in again?' });
    await user.click(within(dialog).getByRole('button', { name: 'Let Bob in again' }));
    expect(await within(dialog).findByText(/Someone else has just changed this group/)).toBeVisible();
    expect(screen.getByText('Bob Okafor began anew with a new identity.')).toBeInTheDocument();
  });

  it('can be compared first, from the window that asks', async () => {
    const { user } = open(BOOKS);
    await user.click(screen.getByRole('button', { name: 'Let Bob in again…' }));
    const dialog = await screen.findByRole('dialog', { name: 'Let Bob in again?' });
    await user.click(within(dialog).getByRole('button', { name: 'compare safety numbers' }));
    expect(useReadmit.getState().asked).toBeNull();
    expect(useProfile.getState().person).toMatchObject({ id: bob.id });
  });

  it('waits where one may not let them in, and the banner says who may', () => {
    const state = fullState();
    const hike = state.conversations[HIKE];
    if (!hike) throw new Error('no such conversation');
    state.conversations[HIKE] = { ...hike, participants: [...hike.participants, { person: bob, role: 'WRITER', changed: true }] };
    renderView(<Live id={HIKE} />, { scene: { state } });
    expect(screen.getByRole('status', { name: 'New identity' })).toHaveTextContent('Chen Wei can do that.');
    expect(screen.queryByRole('button', { name: /Let Bob/ })).not.toBeInTheDocument();
  });
});

it('tells one who began anew whom to ask', () => {
  open(BOOKS, 'shut-out');
  expect(screen.getByRole('status', { name: 'New identity' })).toHaveTextContent('You began anew with a new identity. Somebody has to let you in before you can read and write here. Ask Dana Petrova');
});

describe('who may let somebody in again', () => {
  const group = (participants: Participant[], part: Partial<ConversationState> = {}): ConversationState => {
    const sample = fullState().conversations[BOOKS];
    const own = participants.find((one) => one.person === ada)?.role ?? null;
    if (!sample) throw new Error('no such conversation');
    return { ...sample, role: own, participants, ...part };
  };
  const anew = (participant: Participant): Participant => ({ ...participant, changed: true });
  const seats = (...parts: Participant[][]) => parts.flat();

  it('is an admin, for roles up to the own', () => {
    const [writer] = as('WRITER', bob).map(anew);
    const [owner] = as('OWNER', bob).map(anew);
    if (!writer || !owner) throw new Error('no participants');
    expect(canReadmit(group(seats(as('ADMIN', ada), [writer])), writer, ada)).toBe(true);
    expect(canReadmit(group(seats(as('WRITER', ada), [writer])), writer, ada)).toBe(false);
    expect(canReadmit(group(seats(as('ADMIN', ada), as('OWNER', dana), [owner])), owner, ada)).toBe(false);
  });

  it('is an admin also for the only owner', () => {
    const [owner] = as('OWNER', bob).map(anew);
    if (!owner) throw new Error('no participants');
    expect(canReadmit(group(seats(as('ADMIN', ada), [owner])), owner, ada)).toBe(true);
    expect(whoCanReadmit(group(seats(as('ADMIN', ada, dana), as('WRITER', emil), [owner])), owner)).toEqual([ada, dana]);
  });

  it('is the other one in a direct conversation, and nobody who began anew', () => {
    const [other] = as('OWNER', bob).map(anew);
    if (!other) throw new Error('no participants');
    expect(canReadmit(group(seats(as('OWNER', ada), [other]), { type: 'DIRECT' }), other, ada)).toBe(true);
    expect(canReadmit(group(seats(as('OWNER', ada).map(anew), [other]), { type: 'DIRECT' }), other, ada)).toBe(false);
    expect(canReadmit(group(seats(as('OWNER', ada), [other]), { type: 'DIRECT', alarm: 'x' }), other, ada)).toBe(false);
  });
});
