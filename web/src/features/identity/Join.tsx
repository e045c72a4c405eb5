import { Button, Loader } from '@mantine/core';
import { useState } from 'react';
import { Link, useLocation, useNavigate } from 'react-router';
import { useCircle, useClient, type PendingSignUp } from '../../circle';
import { Avatar, ErrorLine, relativeTime, useAction, useLoaded, useNow } from '../../ui';
import { ConfirmWords } from './ConfirmWords';
import { FrontPage } from './FrontPage';
import classes from './Join.module.css';
import { JoinForm, type JoinValues } from './JoinForm';
import { describeBrowser, normalHandle } from './model';
import { RecoveryKey } from './RecoveryKey';

type Step = { name: 'form' } | { name: 'words' | 'confirm'; pending: PendingSignUp; handle: string };

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
    setStep({ name: 'words', pending, handle });
  });
  const finish = useAction(async (pending: PendingSignUp) => {
    await client.completeSignUp(pending);
    await navigate('/', { replace: true });
  });

  if (step.name === 'words') {
    return <RecoveryKey words={step.pending.words} handle={step.handle} onNext={() => setStep({ ...step, name: 'confirm' })} />;
  }
  if (step.name === 'confirm') {
    return (
      <ConfirmWords
        words={step.pending.words}
        busy={finish.busy}
        error={finish.error}
        onBack={() => setStep({ ...step, name: 'words' })}
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
