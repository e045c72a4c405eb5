import { MantineProvider } from '@mantine/core';
import { render } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import type { ReactNode } from 'react';
import { MemoryRouter, useLocation } from 'react-router';
import { theme } from '../app/theme';
import { ClientProvider, type CircleClient } from '../circle';
import { createFakeClient, type Scene } from '../dev/fakeClient';

function Where() {
  return <output aria-label="Address">{useLocation().pathname}</output>;
}

interface Options {
  scene?: Scene;
  client?: CircleClient;
  path?: string;
}

/** Renders a view with a client of the fixtures, as the application would. */
export function renderView(view: ReactNode, { scene = {}, client = createFakeClient(scene), path = '/' }: Options = {}) {
  const user = userEvent.setup();
  const rendered = render(
    <MantineProvider theme={theme} env="test">
      <ClientProvider client={client}>
        <MemoryRouter initialEntries={[path]}>
          {view}
          <Where />
        </MemoryRouter>
      </ClientProvider>
    </MantineProvider>,
  );
  return { ...rendered, user, client };
}
