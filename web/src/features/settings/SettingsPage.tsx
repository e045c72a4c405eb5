import type { ReactNode } from 'react';
import { Page } from '../../ui';

const BACK = { to: '/settings', name: 'Settings' };

/** A page within the settings. */
export function SettingsPage({ title, lead, children }: { title: string; lead?: ReactNode; children?: ReactNode }) {
  return (
    <Page title={title} lead={lead} back={BACK}>
      {children}
    </Page>
  );
}
