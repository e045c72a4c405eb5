import { Button, Group, Stack } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck, IconDeviceLaptop } from '@tabler/icons-react';
import { useEffect, useRef } from 'react';
import type { LinkRequest } from '../../circle';
import { ErrorLine } from '../../ui';
import classes from './LinkDevice.module.css';
import { clockOf, useCountdown } from './useCountdown';

interface LetInProps {
  request: LinkRequest;
  busy: boolean;
  error: string | null;
  onLetIn: () => void;
  onAgain: () => void;
  onCancel: () => void;
}

/** The question that decides who reads everything: one device, by its name, and a warning about strangers. */
export function LetIn({ request, busy, error, onLetIn, onAgain, onCancel }: LetInProps) {
  const left = useCountdown(request.expiresAt);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const ended = left === 0 && !busy;
  return (
    <Stack gap="lg">
      <div className={classes.asking}>
        <span className={classes.icon} aria-hidden="true">
          <IconDeviceLaptop size={30} stroke={1.6} />
        </span>
        <h2 ref={heading} tabIndex={-1}>
          Let “{request.deviceName}” in?
        </h2>
        <p>It will read all your conversations, old and new, and can write in your name.</p>
      </div>
      <div className={classes.warning}>
        <IconAlertTriangle size={20} stroke={1.8} aria-hidden="true" />
        <p>
          <strong>Only if it is yours and you hold it in your hands.</strong> Nobody else ever needs these words from you: no helper, no admin, not the people who run this Circle. Whoever asks for
          them wants to read your messages.
        </p>
      </div>
      <ErrorLine>{ended ? 'This request has ended. Show new words on the new device and begin again.' : error}</ErrorLine>
      <p className={classes.progress} role="status" hidden={!busy}>
        {busy && 'Letting it in and handing over your keys…'}
      </p>
      <Group justify="flex-end" gap="sm">
        {!busy && !ended && (
          <span className={classes.left} role="timer" aria-label={`The request is valid for ${clockOf(left)} more minutes`}>
            {clockOf(left)}
          </span>
        )}
        <Button variant="default" onClick={onCancel} disabled={busy}>
          Not mine, cancel
        </Button>
        {ended || error !== null ? (
          <Button onClick={onAgain}>Begin again</Button>
        ) : (
          <Button loading={busy} onClick={onLetIn}>
            Let it in
          </Button>
        )}
      </Group>
    </Stack>
  );
}

export function Linked({ name, onClose }: { name: string; onClose: () => void }) {
  return (
    <Stack gap="lg">
      <div className={classes.asking} role="status">
        <span className={classes.icon} aria-hidden="true">
          <IconCircleCheck size={30} stroke={1.6} />
        </span>
        <h2>“{name}” is in</h2>
        <p>It is fetching your messages now. You can give it another name, or remove it again, in the list of devices.</p>
      </div>
      <Button fullWidth onClick={onClose} data-autofocus autoFocus>
        Done
      </Button>
    </Stack>
  );
}
