import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import type { ReactNode } from 'react';
import { ClientProvider, type CircleClient } from '../circle';
import { ErrorBoundary } from './ErrorBoundary';
import { Gate } from './Gate';
import { theme, variables } from './theme';

const schemeManager = localStorageColorSchemeManager({ key: 'circle.theme' });

/** Theme and client around whatever is shown. */
export function Providers({ client, children }: { client: CircleClient; children: ReactNode }) {
  return (
    <MantineProvider theme={theme} cssVariablesResolver={variables} colorSchemeManager={schemeManager} defaultColorScheme="auto">
      <ErrorBoundary>
        <ClientProvider client={client}>{children}</ClientProvider>
      </ErrorBoundary>
    </MantineProvider>
  );
}

/** The whole application, below a router. */
export function App({ client }: { client: CircleClient }) {
  return (
    <Providers client={client}>
      <Gate />
    </Providers>
  );
}
