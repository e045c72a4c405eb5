import { Button, CloseButton, Collapse } from '@mantine/core';
import { IconAlertTriangleFilled, IconCircleCheck } from '@tabler/icons-react';
import { useId, useState, type ReactNode } from 'react';
import { useClient, type ConversationState } from '../../circle';
import { Confirm, ErrorLine, useAction, useLoaded } from '../../ui';
import classes from './AlarmBanner.module.css';

interface AlarmBannerProps {
  conversation: ConversationState;
  /** The alarm is over; whoever was here by keyboard needs a place to be. */
  onCleared: () => void;
}

/** Why nothing is sent in a conversation, in plain words, and what a person can do about it. Afterwards: what came of it. */
export function AlarmBanner({ conversation, onCleared }: AlarmBannerProps) {
  const [outcome, setOutcome] = useState<string | null>(null);
  const { alarm } = conversation;
  const finish = (text: string) => {
    setOutcome(text);
    onCleared();
  };
  return (
    <>
      {alarm !== null && <Alarmed key={alarm} id={conversation.id} title={conversation.title} text={alarm} onOutcome={setOutcome} onCleared={finish} />}
      <div role="status">
        {outcome !== null && (
          <div className={classes.outcome}>
            <IconCircleCheck size={20} stroke={1.8} aria-hidden="true" />
            <p>{outcome}</p>
            <CloseButton aria-label="Dismiss" onClick={() => setOutcome(null)} />
          </div>
        )}
      </div>
    </>
  );
}

interface AlarmedProps {
  id: string;
  title: string;
  text: string;
  onOutcome: (text: string | null) => void;
  onCleared: (text: string) => void;
}

function Alarmed({ id, title, text, onOutcome, onCleared }: AlarmedProps) {
  const client = useClient();
  const meaningId = useId();
  const [explained, setExplained] = useState(false);
  const [asking, setAsking] = useState(false);
  const known = useLoaded(`${id} ${text}`, () => client.trust.alarm(id));
  const offer = useAction(async () => {
    onOutcome(null);
    const taken = await client.trust.offerMissing(id);
    const isOver = (client.store.getState().conversations[id]?.alarm ?? null) === null;
    (isOver ? onCleared : onOutcome)(offered(taken, isOver));
    known.again();
  });
  const accept = useAction(async () => {
    await client.trust.acceptState(id);
    const isLeft = (client.store.getState().conversations[id]?.role ?? null) === null;
    onCleared(`You have decided to go on with what the server shows. ${isLeft ? 'You are no longer in this conversation; what you received stays here.' : 'You can write here again.'}`);
  });
  const alarm = known.value;
  return (
    <section className={classes.alarm} aria-label="Warning">
      <IconAlertTriangleFilled size={20} aria-hidden="true" />
      <div className={classes.words}>
        <p role="alert" className={classes.text}>
          {text}
        </p>
        <div className={classes.actions}>
          {alarm?.canOffer === true && (
            <Button size="compact-sm" color="red" loading={offer.busy} onClick={() => void offer.run()}>
              Offer the missing messages
            </Button>
          )}
          {alarm?.canAccept === true && (
            <Button size="compact-sm" variant="default" disabled={offer.busy} onClick={() => setAsking(true)}>
              Go on with what the server shows…
            </Button>
          )}
          <button type="button" className={classes.more} aria-expanded={explained} aria-controls={meaningId} onClick={() => setExplained(!explained)}>
            {explained ? 'Show less' : 'What does this mean?'}
          </button>
        </div>
        <Collapse expanded={explained} id={meaningId}>
          <Meaning nothing={alarm !== undefined && alarm?.canOffer !== true && alarm?.canAccept !== true} />
        </Collapse>
        <p role="status" className={classes.progress}>
          {offer.busy && 'Offering the server what this device holds…'}
        </p>
        {(offer.error ?? known.error) !== null && <ErrorLine onRetry={offer.error !== null ? () => void offer.run() : known.again}>{offer.error ?? known.error}</ErrorLine>}
      </div>
      <Confirm opened={asking} onClose={() => setAsking(false)} title="Go on with what the server shows?" confirm="Go on" action={accept}>
        {isOmitted(text) ? (
          <p>
            You then count as having left “{title}”. What you have received stays on this device. To come back, somebody has to add you again.
          </p>
        ) : (
          <p>
            You then take what the server shows of “{title}” for the truth. Messages that it no longer has stay on this device alone: nobody who joins later, and none of your other
            devices, will see them.
          </p>
        )}
        <p>
          Do this only if the person who runs your Circle has told you, in another way than by Circle, that the server was restored from a backup. If somebody has tampered with
          the server, this is what they hope for.
        </p>
      </Confirm>
    </section>
  );
}

function offered(taken: number, isOver: boolean): string {
  const what = taken === 1 ? 'The server has taken 1 missing entry back.' : `The server has taken ${taken} missing entries back.`;
  if (isOver) return taken === 0 ? 'The server was not missing anything any more. You can write here again.' : `${what} You can write here again.`;
  // Each device can only give back what its own member has signed.
  return `${taken === 0 ? 'The server took nothing back from this device.' : what} What others wrote, only they can offer: ask them to open this conversation and do the same.`;
}

/** The client tells what is wrong as a sentence; of a conversation that is not listed, going on means something else. */
function isOmitted(text: string): boolean {
  return text.includes('no longer shows this conversation');
}

function Meaning({ nothing }: { nothing: boolean }): ReactNode {
  return (
    <div className={classes.meaning}>
      <p>
        Your device remembers what it has seen here, so that the server cannot leave out, change or invent anything unnoticed. Now the two do not agree. That happens when a server
        is restored from an older backup. It would also happen if somebody tampered with it.
      </p>
      <p>Until this is cleared up nothing is sent from here, so that nothing reaches the wrong people. What you have received stays readable.</p>
      {nothing ? (
        <p>Nothing can be done about it on this device. Talk to the person who runs your Circle, in another way than by Circle.</p>
      ) : (
        <p>Ask the person who runs your Circle, in another way than by Circle, whether the server was restored from a backup. If it was, offer it the missing messages.</p>
      )}
    </div>
  );
}
