import { useRef, useState, type ReactNode } from 'react';
import { useCircle } from '../../circle';
import { keepFocus } from '../../ui';
import { Alarm, type AlarmWords } from './Alarm';
import classes from './Alarm.module.css';
import { OfferOutcome, Outcome } from './Outcome';

const WORDS: AlarmWords = {
  offer: 'Offer what is missing',
  until:
    'Your account holds, encrypted, what your devices tell each other: whom you have verified, and that you have saved your recovery key. Until this is cleared up, nothing new is written there. Your conversations go on as they are.',
  goingOn: () => (
    <p>
      You then take what the server shows of your account for the truth. This device writes to it again what it knows: whom you have verified, and whether you have saved your
      recovery key.
    </p>
  ),
};

/** Above everything: the server contradicts what this device has seen of the person's own account. Afterwards: what came of it. */
export function AccountAlarm() {
  const alarm = useCircle((state) => state.accountAlarm);
  const [outcome, setOutcome] = useState<ReactNode>(null);
  const place = useRef<HTMLDivElement>(null);
  // What was pressed is gone: the keyboard stays where the answer is.
  const stay = () => place.current?.focus({ preventScroll: true });
  return (
    <div ref={place} tabIndex={-1} className={classes.account} data-banner={alarm !== null || outcome !== null}>
      {alarm !== null && (
        <Alarm
          key={alarm}
          id="account"
          text={alarm}
          also="Your other devices do not hear from this one whom you verify."
          words={WORDS}
          onTry={() => setOutcome(null)}
          onOffered={(offered) => {
            setOutcome(<OfferOutcome offered={offered} done="Your devices hear from each other again." />);
            if (offered.lacking === 0) stay();
          }}
          onAccepted={() => {
            setOutcome(<p>You have decided to go on with what the server shows of your account. Your devices hear from each other again.</p>);
            stay();
          }}
        />
      )}
      <Outcome
        onDismiss={() => {
          setOutcome(null);
          keepFocus();
        }}
      >
        {outcome}
      </Outcome>
    </div>
  );
}
