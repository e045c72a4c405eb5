import { screen } from '@testing-library/react';
import type { UserEvent } from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';
import { createFakeClient } from '../../dev/fakeClient';
import { renderView } from '../../test/render';
import { Join } from './Join';

const OUT = { state: { phase: 'signed-out', me: null } } as const;

async function fillForm(user: UserEvent, handle?: string) {
  await user.type(await screen.findByLabelText('Your name'), 'Greta Holm');
  if (handle !== undefined) {
    await user.clear(screen.getByLabelText('Handle'));
    await user.type(screen.getByLabelText('Handle'), handle);
  }
  await user.type(screen.getByLabelText('Password'), 'a long good password');
  await user.type(screen.getByLabelText('Type it again'), 'a long good password');
  await user.click(screen.getByRole('button', { name: 'Continue' }));
}

function shownWords(): string[] {
  return screen.getAllByRole('listitem').map((item) => item.lastChild?.textContent ?? '');
}

describe('joining by a link', () => {
  it('says who invited, and suggests a handle from the name', async () => {
    const { user } = renderView(<Join />, { scene: OUT, path: '/join#abc' });
    expect(await screen.findByText('Ada Lindqvist')).toBeVisible();
    await user.type(screen.getByLabelText('Your name'), 'Zoë van Dijk');
    expect(screen.getByLabelText('Handle')).toHaveValue('zoe.van.dijk');
  });

  it('tells each problem beside its field, and sends nothing', async () => {
    const client = createFakeClient(OUT);
    const prepare = vi.spyOn(client, 'prepareSignUp');
    const { user } = renderView(<Join />, { client, path: '/join#abc' });
    await user.type(await screen.findByLabelText('Password'), 'short');
    await user.click(screen.getByRole('button', { name: 'Continue' }));
    expect(screen.getByText('Please enter the name that others will see.')).toBeVisible();
    expect(screen.getByText('Please use at least 10 characters. A short sentence works well.')).toBeVisible();
    expect(screen.getByText('The two passwords are not the same.')).toBeVisible();
    expect(screen.getByLabelText('Your name')).toHaveFocus();
    expect(prepare).not.toHaveBeenCalled();
  });

  it('shows the 24 words, refuses wrong ones, and signs up when the right ones are typed back', async () => {
    const client = createFakeClient(OUT);
    const complete = vi.spyOn(client, 'completeSignUp');
    const { user } = renderView(<Join />, { client, path: '/join#abc' });
    await fillForm(user);
    expect(await screen.findByRole('heading', { name: 'Your recovery key' })).toBeVisible();
    const words = shownWords();
    expect(words).toHaveLength(24);

    await user.click(screen.getByRole('button', { name: 'I have saved my recovery key' }));
    const fields = screen.getAllByLabelText(/^Word \d+$/);
    expect(fields).toHaveLength(3);
    await user.click(screen.getByRole('button', { name: 'Finish' }));
    expect(screen.getAllByText(/^That is not word \d+/)).toHaveLength(3);
    expect(complete).not.toHaveBeenCalled();

    for (const field of fields) {
      const number = Number(/\d+/.exec(field.getAttribute('name') ?? '')?.[0]);
      await user.type(field, ` ${words[number]?.toUpperCase() ?? ''} `);
    }
    await user.click(screen.getByRole('button', { name: 'Finish' }));
    expect(complete).toHaveBeenCalledOnce();
    expect(await screen.findByLabelText('Address')).toHaveTextContent('/');
  });

  it('lets one look at the words again', async () => {
    const { user } = renderView(<Join />, { scene: OUT, path: '/join#abc' });
    await fillForm(user);
    await user.click(await screen.findByRole('button', { name: 'I have saved my recovery key' }));
    await user.click(screen.getByRole('button', { name: 'Show the words again' }));
    expect(shownWords()).toHaveLength(24);
  });

  it('keeps what was typed when the handle is taken', async () => {
    const { user } = renderView(<Join />, { scene: OUT, path: '/join#abc' });
    await fillForm(user, 'bob');
    expect(await screen.findByText('This handle is taken. Please choose another.')).toBeVisible();
    expect(screen.getByLabelText('Your name')).toHaveValue('Greta Holm');
  });

  it('explains a used and an incomplete link', async () => {
    const used = renderView(<Join />, { scene: OUT, path: '/join#used' });
    expect(await screen.findByText('This invitation has been used already. Ask for a new one.')).toBeVisible();
    used.unmount();
    renderView(<Join />, { scene: OUT, path: '/join' });
    expect(await screen.findByText(/The link is not complete/)).toBeVisible();
  });

  it('is the set-up page for the owner', async () => {
    renderView(<Join />, { scene: { ...OUT, setUp: true }, path: '/join#abc' });
    expect(await screen.findByRole('heading', { name: 'Set up your Circle' })).toBeVisible();
  });
});
