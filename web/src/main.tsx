import './app/styles';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { BrowserRouter } from 'react-router';
import { App } from './app/App';
import { createCircleClient } from './circle/open';

const root = document.getElementById('root');
if (!root) throw new Error('The page has no element with the id root.');

const client = createCircleClient({ origin: location.origin });
// Begun once, outside of React, which may run effects twice.
const started = client.start();

createRoot(root).render(
  <StrictMode>
    <BrowserRouter>
      <App client={client} started={started} />
    </BrowserRouter>
  </StrictMode>,
);
