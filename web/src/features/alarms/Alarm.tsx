import { Button, Collapse } from '@mantine/core';
import { IconAlertTriangleFilled } from '@tabler/icons-react';
import { useEffect, useId, useRef, useState, type ReactNode } from 'react';
import { useClient, type Alarm as Known, type Offered } from '../../circle';
import { Confirm, ErrorLine, useAction, useLoaded } from '../../ui';
import classes from './Alarm.module.css';

/** What differs between a conversation's alarm and the account's. */
export interface AlarmWords {
  /** On the button that gives the server back what it lost. */
  offer: string;
  /** What goes on and what does not, until this is cleared up. */
  until: string;
  /** What going on with what the server shows means; asked before it is done. */
  goingOn: (alarm: Known) => ReactNode;
}

interface AlarmProps {
  /** A conversation's id, or 'account'. */
  id: string;
  /** The client's sentence. */
  text: string;
  /** More that belongs to it at first sight. */
  also?: string;
  words: AlarmWords;
  /** Whoever acts is about to know more: what was said of an earlier try goes. */
  onTry: () => void;
  onOffered: (offered: Offered) => void;
  onAccepted: () => void;
}

/** An alarm that is on: what is wrong, what a person can do about it, and what it means. */
export function Alarm({ id, text, also, words, onTry, onOffered, onAccepted }: AlarmProps) {
  const client = useClient();
  const meaningId = useId();
  const [explained, setExplained] = useState(false);
  const [asking, setAsking] = useState(false);
  const known = useLoaded(`${id} ${text}`, () => client.trust.alarm(id));
  const more = useRef<HTMLButtonElement>(null);
  const tried = useRef(false);
  const offer = useAction(async () => {
    tried.current = true;
    onTry();
    onOffered(await client.trust.offerMissing(id));
    known.again();
  });
  const accept = useAction(async () => {
    await client.trust.acceptState(id);
    onAccepted();
  });
  const alarm = known.value;
  useEffect(() => {
    // The button that was pressed may be gone, with nothing left to offer: the keyboard stays beside it.
    if (tried.current && alarm?.canOffer === false && document.activeElement === document.body) more.current?.focus();
  }, [alarm]);
  return (
    <section className={classes.alarm} aria-label="Warning">
      <IconAlertTriangleFilled size={20} aria-hidden="true" />
      <div className={classes.words}>
        <p role="alert" className={classes.text}>
          {text} {also}
        </p>
        <div className={classes.actions}>
          {alarm?.canOffer === true && (
            <Button size="compact-sm" color="red" loading={offer.busy} onClick={() => void offer.run()}>
              {words.offer}
            </Button>
          )}
          {alarm?.canAccept === true && (
            <Button size="compact-sm" variant="default" disabled={offer.busy} onClick={() => setAsking(true)}>
              Go on with what the server shows…
            </Button>
          )}
          <button ref={more} type="button" className={classes.more} aria-expanded={explained} aria-controls={meaningId} onClick={() => setExplained(!explained)}>
            {explained ? 'Show less' : 'What does this mean?'}
          </button>
        </div>
        <Collapse expanded={explained} id={meaningId}>
          <Meaning until={words.until} alarm={alarm ?? null} isKnown={alarm !== undefined} />
        </Collapse>
        <p role="status" className={classes.progress}>
          {offer.busy && 'Offering the server what this device holds…'}
        </p>
        {(offer.error ?? known.error) !== null && <ErrorLine onRetry={offer.error !== null ? () => void offer.run() : known.again}>{offer.error ?? known.error}</ErrorLine>}
      </div>
      {alarm && (
        <Confirm opened={asking} onClose={() => setAsking(false)} title="Go on with what the server shows?" confirm="Go on" action={accept}>
          {words.goingOn(alarm)}
          <p>
            Do this only if the person who runs your Circle has told you, in another way than by Circle, that the server was restored from a backup. If somebody has tampered
            with the server, this is what they hope for.
          </p>
        </Confirm>
      )}
    </section>
  );
}

function Meaning({ until, alarm, isKnown }: { until: string; alarm: Known | null; isKnown: boolean }) {
  const nothing = isKnown && alarm?.canOffer !== true && alarm?.canAccept !== true;
  return (
    <div className={classes.meaning}>
      <p>
        Your device remembers what it has seen, so that the server cannot leave out, change or invent anything unnoticed. Now the two do not agree. That happens when a server is
        restored from an older backup. It would also happen if somebody tampered with it.
      </p>
      <p>{until}</p>
      {nothing ? (
        <p>Nothing can be done about it on this device. Talk to the person who runs your Circle, in another way than by Circle.</p>
      ) : (
        <p>
          Ask the person who runs your Circle, in another way than by Circle, whether the server was restored from a backup.
          {alarm?.canOffer === true && ' If it was, give it back what it has lost.'}
        </p>
      )}
    </div>
  );
}
