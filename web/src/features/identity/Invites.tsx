import { Button, Select } from '@mantine/core';
import { IconMailOpened, IconUserPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { useClient, type InviteInfo } from '../../circle';
import { CopyButton, EmptyState, ErrorLine, relativeTime, useAction, useLoaded, useNow } from '../../ui';
import { VerifiedMark } from '../people';
import classes from './Invites.module.css';
import { RowSkeleton } from './RowSkeleton';
import rows from './Rows.module.css';

const DURATIONS = [
  { value: '24', label: '1 day' },
  { value: '72', label: '3 days' },
  { value: '168', label: '1 week' },
  { value: '720', label: '30 days' },
];

/** Makes invitation links and shows what became of them. */
export function Invites() {
  const client = useClient();
  const [hours, setHours] = useState('72');
  const [link, setLink] = useState<string | null>(null);
  const invites = useLoaded('invites', () => client.listInvites());
  const create = useAction(async () => {
    const made = await client.createInvite(Number(hours));
    setLink(made.url);
    invites.again();
  });
  return (
    <>
      <section className={classes.make} aria-label="New invitation">
        <div className={classes.form}>
          <Select label="The link works for" data={DURATIONS} value={hours} onChange={(value) => setHours(value ?? '72')} allowDeselect={false} className={classes.select} size="md" />
          <Button loading={create.busy} onClick={() => void create.run()} leftSection={<IconUserPlus size={18} aria-hidden="true" />}>
            Create invitation link
          </Button>
        </div>
        <ErrorLine>{create.error}</ErrorLine>
        <div role="status">
          {link !== null && (
            <div className={classes.link}>
              <p>Send this link to one person, in a way that only they can read. It works once.</p>
              <output aria-label="Invitation link">{link}</output>
              <CopyButton key={link} value={link} label="Copy link" variant="filled" />
            </div>
          )}
        </div>
      </section>
      <h2 className={classes.heading}>Your invitations</h2>
      <InviteRows invites={invites.value} loading={invites.loading} error={invites.error} onChanged={invites.again} />
    </>
  );
}

interface InviteRowsProps {
  invites: InviteInfo[] | undefined;
  loading: boolean;
  error: string | null;
  onChanged: () => void;
}

function InviteRows({ invites, loading, error, onChanged }: InviteRowsProps) {
  const now = useNow();
  if (loading) return <RowSkeleton rows={3} label="Loading invitations" />;
  if (!invites) return <ErrorLine onRetry={onChanged}>{error}</ErrorLine>;
  if (invites.length === 0) {
    return (
      <EmptyState icon={<IconMailOpened size={28} stroke={1.6} />} title="No invitations yet">
        Circle is better with company. Create a link above and send it to someone you trust.
      </EmptyState>
    );
  }
  return (
    <ul className={rows.rows} aria-label="Invitations">
      {invites.map((invite) => (
        <InviteRow key={invite.id} invite={invite} now={now} onChanged={onChanged} />
      ))}
    </ul>
  );
}

function InviteRow({ invite, now, onChanged }: { invite: InviteInfo; now: number; onChanged: () => void }) {
  const client = useClient();
  const revoke = useAction(async () => {
    await client.revokeInvite(invite.id);
    onChanged();
  });
  const made = `made ${relativeTime(invite.createdAt, now)}`;
  return (
    <li className={rows.row}>
      <span className={classes.dot} data-status={invite.status} aria-hidden="true" />
      <div className={rows.text}>
        <span className={rows.name}>
          {statusText(invite, now)} {invite.usedBy?.verified === true && <VerifiedMark size={15} />}
        </span>
        <span className={rows.detail}>
          {made}
          {invite.status === 'used' && trustText(invite.verified)}
        </span>
      </div>
      {invite.status === 'open' && (
        <Button variant="default" size="sm" loading={revoke.busy} onClick={() => void revoke.run()} aria-label={`Withdraw the invitation ${made}`}>
          Withdraw
        </Button>
      )}
      {revoke.error !== null && (
        <div className={rows.problem}>
          <ErrorLine>{revoke.error}</ErrorLine>
        </div>
      )}
    </li>
  );
}

function statusText(invite: InviteInfo, now: number): string {
  switch (invite.status) {
    case 'open':
      return `Open, ends ${relativeTime(invite.expiresAt, now)}`;
    case 'used':
      return `${invite.usedBy?.displayName ?? 'Someone'} joined`;
    case 'expired':
      return 'Ended without being used';
    case 'revoked':
      return 'Withdrawn';
  }
}

function trustText(verified: boolean | null): string {
  if (verified === true) return ' · confirmed: it was your link that they used';
  return verified === false ? ' · not confirmed: ask them in person whether it was them' : '';
}
