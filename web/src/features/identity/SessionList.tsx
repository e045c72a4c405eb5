import { Button } from '@mantine/core';
import { IconDeviceDesktop, IconDeviceMobile, IconTerminal2 } from '@tabler/icons-react';
import { useState } from 'react';
import { useClient, type SessionInfo } from '../../circle';
import { ErrorLine, relativeTime, useAction, useLoaded, useNow } from '../../ui';
import { RowSkeleton } from './RowSkeleton';
import classes from './Rows.module.css';

/** Where one is signed in, each to be ended on its own. */
export function SessionList() {
  const client = useClient();
  const sessions = useLoaded('sessions', () => client.listSessions());
  const now = useNow();
  if (sessions.loading) return <RowSkeleton rows={2} label="Loading sessions" />;
  if (!sessions.value) return <ErrorLine onRetry={sessions.again}>{sessions.error}</ErrorLine>;
  return (
    <ul className={classes.rows} aria-label="Sessions">
      {sessions.value.map((session) => (
        <SessionRow key={session.id} session={session} now={now} onEnded={sessions.again} />
      ))}
    </ul>
  );
}

function SessionRow({ session, now, onEnded }: { session: SessionInfo; now: number; onEnded: () => void }) {
  const client = useClient();
  const [asking, setAsking] = useState(false);
  const end = useAction(async () => {
    await client.revokeSession(session.id);
    onEnded();
  });
  const name = session.deviceName ?? session.label;
  return (
    <li className={classes.row}>
      <span className={classes.icon} aria-hidden="true">
        <SessionIcon label={session.label} />
      </span>
      <div className={classes.text}>
        <span className={classes.name}>{name}</span>
        <span className={classes.detail}>
          {session.isCurrent ? 'This browser' : `Last seen ${relativeTime(session.lastSeenAt, now)}`} · signed in {relativeTime(session.createdAt, now)}
        </span>
      </div>
      {!session.isCurrent && (
        <Button
          variant={asking ? 'filled' : 'default'}
          color={asking ? 'red' : 'gray'}
          size="sm"
          loading={end.busy}
          aria-label={asking ? `Really sign out ${name}` : `Sign out ${name}`}
          onClick={() => (asking ? void end.run() : setAsking(true))}
          onBlur={() => setAsking(false)}
        >
          {asking ? 'Really?' : 'Sign out'}
        </Button>
      )}
      {end.error !== null && (
        <div className={classes.problem}>
          <ErrorLine>{end.error}</ErrorLine>
        </div>
      )}
    </li>
  );
}

function SessionIcon({ label }: { label: string }) {
  if (/iphone|android|ipad/i.test(label)) return <IconDeviceMobile size={20} stroke={1.7} />;
  if (/client|python|bot/i.test(label)) return <IconTerminal2 size={20} stroke={1.7} />;
  return <IconDeviceDesktop size={20} stroke={1.7} />;
}
