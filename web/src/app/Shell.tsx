import { Button } from '@mantine/core';
import { IconMessages, IconSparkles, IconUserPlus } from '@tabler/icons-react';
import { Link, Navigate, Route, Routes, useLocation } from 'react-router';
import { useCircle, useMe } from '../circle';
import { AccountAlarm } from '../features/alarms';
import { ConversationList, NewConversation, PolicyWindow } from '../features/conversations';
import { RecoveryReminder } from '../features/devices';
import { Invites, Notice } from '../features/identity';
import { Palette } from '../features/palette';
import { Profile, Readmit } from '../features/people';
import { Settings, ShortcutHelp } from '../features/settings';
import { EmptyState, Keys, Page, usePhone } from '../ui';
import { ConversationPage } from './ConversationPage';
import { Navigation } from './Navigation';
import { OfflineBanner } from './OfflineBanner';
import classes from './Shell.module.css';
import { useShortcuts } from './useShortcuts';
import { useTitle } from './useTitle';

/** The signed-in application: navigation, and beside it the panes. One pane at a time on a phone. */
export function Shell() {
  const { pathname } = useLocation();
  const phone = usePhone();
  const address = /^\/c\/([^/]+)/.exec(pathname)?.[1];
  useShortcuts(address);
  useTitle(address);

  const showsList = pathname === '/' || address !== undefined;
  return (
    <div className={classes.shell}>
      <OfflineBanner />
      <Notice banner />
      {!(phone && address !== undefined) && <AccountAlarm />}
      {!(phone && address !== undefined) && <RecoveryReminder />}
      <div className={classes.panes}>
        {!(phone && address !== undefined) && <Navigation />}
        {showsList && !(phone && address !== undefined) && (
          <div className={classes.list} role={phone ? 'main' : undefined} aria-label={phone ? 'Conversations' : undefined}>
            <ConversationList current={address} />
          </div>
        )}
        {!(phone && pathname === '/') && (
          <div className={classes.content}>
            <Routes>
              <Route path="/" element={<Nothing />} />
              <Route path="/c/:address" element={<ConversationPage details={false} />} />
              <Route path="/c/:address/details" element={<ConversationPage details />} />
              <Route path="/invites" element={<InvitesPage />} />
              <Route path="/settings/*" element={<Settings />} />
              <Route path="*" element={<Navigate to="/" replace />} />
            </Routes>
          </div>
        )}
      </div>
      <NewConversation />
      <PolicyWindow />
      <Profile />
      <Readmit />
      <Palette />
      <ShortcutHelp />
    </div>
  );
}

function Nothing() {
  const empty = useCircle((state) => state.order.length === 0 && !state.syncing);
  const me = useMe();
  if (empty) {
    return (
      <main className={classes.nothing} aria-label="Welcome">
        <EmptyState
          icon={<IconSparkles size={30} stroke={1.6} />}
          title={`Welcome${me ? `, ${me.displayName.split(' ')[0] ?? ''}` : ''}`}
          action={
            <Button component={Link} to="/invites" leftSection={<IconUserPlus size={18} aria-hidden="true" />}>
              Invite people
            </Button>
          }
        >
          This Circle is for the people you let in. Send someone an invitation, or start a conversation with who is here already.
        </EmptyState>
      </main>
    );
  }
  return (
    <main className={classes.nothing} aria-label="No conversation open">
      <EmptyState icon={<IconMessages size={30} stroke={1.6} />} title="Pick a conversation">
        Or press <Keys combination="Mod+K" /> to find one by name.
      </EmptyState>
    </main>
  );
}

function InvitesPage() {
  return (
    <Page title="Invitations" lead="People join this Circle by a link that works once. Nobody else can find or enter it.">
      <Invites />
    </Page>
  );
}
