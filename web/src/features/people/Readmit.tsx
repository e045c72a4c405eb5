import { noun, useCircle, useClient, type ConversationState, type Person } from '../../circle';
import { Confirm, useAction } from '../../ui';
import { currentPerson, firstName, useProfile, useReadmit } from './model';
import classes from './People.module.css';
import { VerifiedMark } from './VerifiedMark';

/** Asks before somebody with a new identity is let in again: it is the one moment in which an impostor could be. */
export function Readmit() {
  const { asked, close } = useReadmit();
  const conversation = useCircle((state) => (asked ? state.conversations[asked.conversation] : undefined));
  const person = useCircle((state) => (asked ? currentPerson(state, asked.person) : undefined));
  return <Ask conversation={conversation} person={person} opened={asked !== null} onClose={close} />;
}

interface AskProps {
  conversation: ConversationState | undefined;
  person: Person | undefined;
  opened: boolean;
  onClose: () => void;
}

function Ask({ conversation, person, opened, onClose }: AskProps) {
  const client = useClient();
  const openProfile = useProfile((state) => state.open);
  const readmit = useAction(async () => {
    if (conversation && person) await client.trust.readmit(conversation.id, person.id);
  });
  const name = person ? firstName(person) : '';
  const compare = () => {
    onClose();
    if (person) openProfile(person);
  };
  return (
    <Confirm opened={opened} onClose={onClose} title={`Let ${name} in again?`} confirm={`Let ${name} in again`} action={readmit} danger={false}>
      {conversation && person && (
        <>
          <p>
            {person.displayName} began anew with a new identity. People do that when they have lost every device and their recovery key. It would look the same if
            somebody else had taken over the account.
          </p>
          {person.verified ? (
            <p className={classes.ready}>
              <VerifiedMark size={19} /> You have compared the new safety number.
            </p>
          ) : (
            <p>
              So be sure first that it is {name}:{' '}
              <button type="button" className={classes.link} onClick={compare}>
                compare safety numbers
              </button>{' '}
              side by side or on a call.
            </p>
          )}
          <p>
            From then on {name} can read what is written in {conversation.type === 'DIRECT' ? 'this conversation' : `“${conversation.title}”`}
            {conversation.history === 'SHARED' && ', and everything from before that you can read and that has not disappeared'}.
            {conversation.type !== 'DIRECT' && ` Everyone in the ${noun(conversation)} will see that you did this.`}
          </p>
        </>
      )}
    </Confirm>
  );
}
