import { CloseButton } from '@mantine/core';
import { IconCircleCheck } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { Offered, TimelineItem } from '../../circle';
import classes from './Alarm.module.css';

/** Lines named one by one. */
const SHOWN = 4;

/** What came of what a person did about an alarm, until they have read it. Empty while there is nothing to say. */
export function Outcome({ children, onDismiss }: { children: ReactNode; onDismiss: () => void }) {
  return (
    <div role="status" aria-label="What came of it">
      {children !== null && (
        <div className={classes.outcome}>
          <IconCircleCheck size={20} stroke={1.8} aria-hidden="true" />
          <div className={classes.told}>{children}</div>
          <CloseButton aria-label="Dismiss" onClick={onDismiss} />
        </div>
      )}
    </div>
  );
}

/** What the server has again, what it still lacks, and who could give it that. */
export function OfferOutcome({ offered, done }: { offered: Offered; done: string }) {
  const { given, missing, lacking } = offered;
  return (
    <>
      <p>
        {headline(offered)} {lacking === 0 ? done : advice(offered)}
      </p>
      {(given.length > 0 || missing.length > 0) && (
        <div className={classes.lists}>
          <Lines title="Given back" lines={given} />
          <Lines title="Still missing on the server" lines={missing} />
        </div>
      )}
    </>
  );
}

function headline({ taken, lacking }: Offered): string {
  if (lacking === 0) return taken === 0 ? 'The server was not missing anything any more.' : `The server has taken ${entries(taken)} back, and has everything again.`;
  return `${taken === 0 ? 'The server took nothing back from this device.' : `The server has taken ${entries(taken)} back.`} It still lacks ${entries(lacking)}.`;
}

function entries(count: number): string {
  return count === 1 ? '1 entry' : `${count} entries`;
}

/** Only the device that has signed something can give it back. */
function advice({ missing, refused }: Offered): string {
  if (refused !== null) return `It did not take the next one: ${refused} You can go on without it.`;
  const others = [...new Set(missing.flatMap(({ sender, mine }) => (sender && !mine && sender.displayName !== '' ? [sender.displayName] : [])))];
  const rule = 'Only the device on which something was written can give it back.';
  if (others.length === 0) return `${rule} Do the same on your other devices, and ask the others here to.`;
  return `${rule} Ask ${new Intl.ListFormat('en').format(others.slice(0, SHOWN))} to open this conversation and do the same; then offer the rest of yours.`;
}

function Lines({ title, lines }: { title: string; lines: TimelineItem[] }) {
  if (lines.length === 0) return null;
  return (
    <div>
      <h3>{title}</h3>
      <ul aria-label={title}>
        {lines.slice(0, SHOWN).map((item) => (
          <li key={item.key}>{lineOf(item)}</li>
        ))}
        {lines.length > SHOWN && <li>and {lines.length - SHOWN} more</li>}
      </ul>
    </div>
  );
}

function lineOf({ body, mine, sender }: TimelineItem): string {
  if (body.kind === 'notice') return body.text;
  return `${mine ? 'You' : (sender?.displayName ?? 'Someone')}: ${body.kind === 'text' ? body.text : 'a message that cannot be read here'}`;
}
