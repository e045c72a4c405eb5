import { Button, Loader } from '@mantine/core';
import { useState } from 'react';
import { Link, useLocation, useNavigate } from 'react-router';
import { useCircle, useClient, type PendingSignUp } from '../../circle';
import { Avatar, ErrorLine, relativeTime, useAction, useLoaded, useNow } from '../../ui';
import { FrontPage } from './FrontPage';
import classes from './Join.module.css';
import { JoinForm, type JoinValues } from './JoinForm';
import { KeyCeremony } from './KeyCeremony';
import { describeBrowser, normalHandle } from './model';

type Step = { name: 'form' } | { name: 'key'; pending: PendingSignUp; handle: string };

/** The join page: `/join#…`, for an invitation and for the set-up link alike. */
export function Join() {
  const { hash } = useLocation();
  const fragment = hash.replace(/^#/, '');
  return <JoinWith key={fragment} fragment={fragment} />;
}

function JoinWith({ fragment }: { fragment: string }) {
  const client = useClient();
  const navigate = useNavigate();
  const ready = useCircle((state) => state.phase === 'ready');
  const now = useNow();
  const [step, setStep] = useState<Step>({ name: 'form' });
  const preview = useLoaded(fragment, async () => (fragment === '' ? null : client.previewInvite(fragment)));

  const prepare = useAction(async (values: JoinValues) => {
    const handle = normalHandle(values.handle);
    const deviceName = describeBrowser(navigator.userAgent);
    const pending = await client.prepareSignUp({ fragment, handle, displayName: values.displayName.trim(), password: values.password, deviceName });
    setStep({ name: 'key', pending, handle });
  });
  const finish = useAction(async (pending: PendingSignUp) => {
    await client.completeSignUp(pending);
    await navigate('/', { replace: true });
  });

  if (step.name === 'key') {
    return (
      <KeyCeremony
        words={step.pending.words}
        handle={step.handle}
        lead={
          <p>
            These 24 words bring you back to your messages if you lose your devices. Write them down or keep them in a password manager.{' '}
            <strong>Nobody can make them again for you</strong>, and anyone who has them can read what you can read.
          </p>
        }
        finish="Finish"
        busy={finish.busy}
        error={finish.error}
        onConfirmed={() => void finish.run(step.pending)}
      />
    );
  }
  if (ready) return <AlreadyIn />;
  if (preview.loading) {
    return (
      <FrontPage title="Looking at your invitation">
        <div className={classes.wait} role="status" aria-label="Looking at your invitation">
          <Loader size="sm" />
        </div>
      </FrontPage>
    );
  }
  if (!preview.value) return <BadLink error={preview.error} onAgain={fragment === '' ? undefined : preview.again} />;

  const { inviter, isSetUp, expiresAt } = preview.value;
  return (
    <FrontPage
      title={isSetUp ? 'Set up your Circle' : 'Join this Circle'}
      lead={isSetUp ? 'You are the first one here, so this Circle will be yours. You can invite others right after.' : undefined}
    >
      {inviter && (
        <div className={classes.inviter}>
          <Avatar id={inviter.protocolId} name={inviter.displayName} size={44} />
          <p>
            <strong>{inviter.displayName}</strong> invited you.
            <br />
            <span>The invitation works once and ends {relativeTime(expiresAt, now)}.</span>
          </p>
        </div>
      )}
      <JoinForm submitLabel="Continue" busy={prepare.busy} error={prepare.error} onSubmit={(values) => void prepare.run(values)} />
    </FrontPage>
  );
}

function BadLink({ error, onAgain }: { error: string | null; onAgain: (() => void) | undefined }) {
  return (
    <FrontPage
      title="This link does not open anything"
      lead={error === null ? 'The link is not complete. Please copy the whole invitation link and open it again.' : undefined}
    >
      <div className={classes.actions}>
        <ErrorLine>{error}</ErrorLine>
        {onAgain && (
          <Button variant="default" fullWidth onClick={onAgain}>
            Try again
          </Button>
        )}
        <Button component={Link} to="/" variant="subtle" fullWidth>
          Sign in instead
        </Button>
      </div>
    </FrontPage>
  );
}

function AlreadyIn() {
  return (
    <FrontPage title="You are already in" lead="This browser is signed in to this Circle. To use an invitation for someone else, open it in another browser.">
      <Button component={Link} to="/" fullWidth>
        Open my conversations
      </Button>
    </FrontPage>
  );
}
