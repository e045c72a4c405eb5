import '../app/styles';
import { createRoot } from 'react-dom/client';
import { MemoryRouter } from 'react-router';
import { App } from '../app/App';
import { createFakeClient } from './fakeClient';
import { scenes } from './scenes';

// The fixture page: `/dev.html?scene=full&path=/c/…`. Part of the development server alone.
const query = new URLSearchParams(location.search);
const client = createFakeClient(scenes[query.get('scene') ?? 'full']?.() ?? {});
Object.assign(window, { circle: client });

const root = document.getElementById('root');
if (!root) throw new Error('The page has no element with the id root.');
createRoot(root).render(
  <MemoryRouter initialEntries={[query.get('path') ?? '/']}>
    <App client={client} started={client.start()} />
  </MemoryRouter>,
);
