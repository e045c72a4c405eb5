import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import type { ReactNode } from 'react';
import { ClientProvider, type CircleClient } from '../circle';
import { useLoaded } from '../ui';
import { ErrorBoundary } from './ErrorBoundary';
import { Gate } from './Gate';
import { StartFailed } from './StartFailed';
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

interface AppProps {
  client: CircleClient;
  /** What the client's `start()` gave. */
  started: Promise<void>;
}

/** The whole application, below a router. */
export function App({ client, started }: AppProps) {
  return (
    <Providers client={client}>
      <Started started={started} />
    </Providers>
  );
}

function Started({ started }: { started: Promise<void> }) {
  const { error } = useLoaded('start', () => started);
  return error === null ? <Gate /> : <StartFailed reason={error} />;
}
