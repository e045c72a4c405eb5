import { useState, type ReactNode } from 'react';
import { useClient, type Alarm as Known, type ConversationState } from '../../circle';
import { Alarm, type AlarmWords } from './Alarm';
import { OfferOutcome, Outcome } from './Outcome';

interface ConversationAlarmProps {
  conversation: ConversationState;
  /** The alarm is over; whoever was here by keyboard needs a place to be. */
  onCleared: () => void;
}

/** Why nothing is sent in a conversation, in plain words, and what a person can do about it. Afterwards: what came of it. */
export function ConversationAlarm({ conversation, onCleared }: ConversationAlarmProps) {
  const client = useClient();
  const [outcome, setOutcome] = useState<ReactNode>(null);
  const { id, title, alarm } = conversation;
  const words: AlarmWords = {
    offer: 'Offer the missing messages',
    until: 'Until this is cleared up nothing is sent from here, so that nothing reaches the wrong people. What you have received stays readable.',
    goingOn: (known) => <GoingOn title={title} alarm={known} />,
  };
  return (
    <>
      {alarm !== null && (
        <Alarm
          key={alarm}
          id={id}
          text={alarm}
          words={words}
          onTry={() => setOutcome(null)}
          onOffered={(offered) => {
            setOutcome(<OfferOutcome offered={offered} done="You can write here again." />);
            if (offered.lacking === 0) onCleared();
          }}
          onAccepted={() => {
            const isLeft = (client.store.getState().conversations[id]?.role ?? null) === null;
            const rest = isLeft ? 'You are no longer in this conversation; what you received stays here.' : 'You can write here again.';
            setOutcome(<p>You have decided to go on with what the server shows. {rest}</p>);
            onCleared();
          }}
        />
      )}
      <Outcome
        onDismiss={() => {
          setOutcome(null);
          onCleared();
        }}
      >
        {outcome}
      </Outcome>
    </>
  );
}

function GoingOn({ title, alarm }: { title: string; alarm: Known }) {
  if (!alarm.isListed) {
    return <p>You then count as having left “{title}”. What you have received stays on this device. To come back, somebody has to add you again.</p>;
  }
  return (
    <p>
      You then take what the server shows of “{title}” for the truth. Messages that it no longer has stay on this device alone: nobody who joins later, and none of your other
      devices, will see them.
    </p>
  );
}
