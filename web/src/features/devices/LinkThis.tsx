import { Button, Loader, Stack } from '@mantine/core';
import { IconClockOff, IconRefresh } from '@tabler/icons-react';
import type { PendingLink } from '../../circle';
import { CopyButton, EmptyState, ErrorLine, QrCode } from '../../ui';
import { FrontPage } from '../identity';
import classes from './LinkThis.module.css';
import { clockOf, useCountdown } from './useCountdown';
import { useOffer } from './useOffer';

/** On the new device: a code and twelve words, which a device that is in already scans or types. */
export function LinkThis({ onBack }: { onBack: () => void }) {
  const { offer, renew } = useOffer();
  return (
    <FrontPage
      wide
      title="Link this device"
      lead={
        <ol className={classes.steps}>
          <li>Open Circle on a device where you can read your messages.</li>
          <li>
            Go to <strong>Settings</strong>, <strong>Devices</strong>, and choose <strong>Link a device</strong>.
          </li>
          <li>Scan this code there, or type the twelve words.</li>
        </ol>
      }
    >
      <Stack gap="lg">
        {offer.name === 'making' && (
          <div className={classes.wait} role="status" aria-label="Making the code">
            <Loader size="sm" />
          </div>
        )}
        {offer.name === 'waiting' && <Waiting link={offer.link} onRenew={renew} />}
        {offer.name === 'ended' && (
          <div className={classes.ended} role="status">
            <EmptyState
              icon={<IconClockOff size={28} stroke={1.6} />}
              title="The words have ended"
              action={
                <Button leftSection={<IconRefresh size={18} aria-hidden="true" />} onClick={renew}>
                  Show new words
                </Button>
              }
            >
              A code and its words are valid for five minutes.
            </EmptyState>
          </div>
        )}
        {offer.name === 'failed' && <ErrorLine onRetry={renew}>{offer.reason}</ErrorLine>}
        <Button variant="subtle" fullWidth onClick={onBack}>
          Back
        </Button>
      </Stack>
    </FrontPage>
  );
}

function Waiting({ link, onRenew }: { link: PendingLink; onRenew: () => void }) {
  const left = useCountdown(link.expiresAt);
  return (
    <>
      <div className={classes.offer}>
        <div className={classes.code}>
          <QrCode text={link.qr} label="Code to scan with your other device" size={196} />
        </div>
        <ol className={classes.words} aria-label="Words of this link">
          {link.words.map((word, index) => (
            <li key={index}>
              <span aria-hidden="true">{index + 1}</span>
              {word}
            </li>
          ))}
        </ol>
      </div>
      <div className={classes.bar}>
        <p className={classes.state}>
          <Loader size={15} aria-hidden="true" />
          <span role="status">Waiting for your other device</span>
          <span role="timer" aria-label={`The words are valid for ${clockOf(left)} more minutes`} className={classes.clock} data-short={left <= 60}>
            {clockOf(left)}
          </span>
        </p>
        <div className={classes.buttons}>
          <CopyButton key={link.qr} value={link.words.join(' ')} label="Copy" size="sm" />
          <Button variant="default" size="sm" leftSection={<IconRefresh size={17} aria-hidden="true" />} onClick={onRenew}>
            New words
          </Button>
        </div>
      </div>
    </>
  );
}
