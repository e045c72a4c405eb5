import { Button, Modal } from '@mantine/core';
import { IconMessageCircle, IconSettings } from '@tabler/icons-react';
import { useEffect, useRef } from 'react';
import { useNavigate } from 'react-router';
import { addressOf, canReadmit, describe, directWith, useCircle, useClient, useMe, type Person } from '../../circle';
import { ConversationAvatar, ErrorLine, keepFocus, useAction, PersonAvatar, useLoaded, usePhone, usePresenceWords } from '../../ui';
import { currentPerson, sharedWith, useProfile, useReadmit } from './model';
import classes from './People.module.css';
import { SafetyNumber } from './SafetyNumber';
import { VerifiedMark } from './VerifiedMark';

const SERVER_ROLES: Record<Person['serverRole'], string | null> = { OWNER: 'Owner of this Circle', ADMIN: 'Admin of this Circle', MEMBER: null };

/** The window with a person's profile; a whole screen on a phone. */
export function Profile() {
  const { person, close } = useProfile();
  const phone = usePhone();
  return (
    <Modal opened={person !== null} onClose={close} title="Profile" size={520} fullScreen={phone} onExitTransitionEnd={keepFocus} closeButtonProps={{ 'aria-label': 'Close' }}>
      {person && <ProfileBody key={person.id} known={person} onDone={close} />}
    </Modal>
  );
}

function ProfileBody({ known, onDone }: { known: Person; onDone: () => void }) {
  const me = useMe();
  const person = useCircle((state) => currentPerson(state, known));
  return (
    <div className={classes.profile}>
      {person.id === me?.id ? <Head person={person} verified={false} isMe onDone={onDone} /> : <Other person={person} onDone={onDone} />}
    </div>
  );
}

function Other({ person, onDone }: { person: Person; onDone: () => void }) {
  const client = useClient();
  const number = useLoaded(person.id, () => client.trust.safetyNumber(person.id));
  const { again } = number;
  // The mark can also change on another of one's devices.
  const shown = useRef(person.verified);
  useEffect(() => {
    if (shown.current === person.verified) return;
    shown.current = person.verified;
    again();
  }, [person.verified, again]);
  const verified = number.value?.verified ?? person.verified;
  return (
    <>
      <Head person={person} verified={verified} isMe={false} onDone={onDone} />
      <SafetyNumber person={person} verified={verified} number={number} />
      <InCommon person={person} onDone={onDone} />
    </>
  );
}

interface HeadProps {
  person: Person;
  verified: boolean;
  isMe: boolean;
  onDone: () => void;
}

function Head({ person, verified, isMe, onDone }: HeadProps) {
  const role = SERVER_ROLES[person.serverRole];
  const presence = usePresenceWords(isMe ? undefined : person.id);
  return (
    <div className={classes.head}>
      <PersonAvatar person={person} size={72} />
      <div className={classes.names}>
        <h2>
          {person.displayName} {verified && <VerifiedMark size={20} />}
        </h2>
        <p>
          @{person.handle}
          {role !== null && ` · ${role}`}
        </p>
        {presence !== null && <p className={classes.presence}>{presence}</p>}
      </div>
      <Write person={person} isMe={isMe} onDone={onDone} />
    </div>
  );
}

/** Opens the conversation with this person, or one's own settings. */
function Write({ person, isMe, onDone }: { person: Person; isMe: boolean; onDone: () => void }) {
  const client = useClient();
  const navigate = useNavigate();
  const write = useAction(async () => {
    const existing = directWith(Object.values(client.store.getState().conversations), person.id);
    const id = existing?.id ?? (await client.createConversation({ type: 'DIRECT', people: [person.id] }));
    const made = client.store.getState().conversations[id];
    onDone();
    if (made) await navigate(addressOf(made));
  });
  const settings = () => {
    onDone();
    void navigate('/settings');
  };
  return (
    <>
      {isMe ? (
        <Button variant="default" size="sm" leftSection={<IconSettings size={17} aria-hidden="true" />} onClick={settings}>
          Settings
        </Button>
      ) : (
        <Button variant="light" size="sm" leftSection={<IconMessageCircle size={17} aria-hidden="true" />} loading={write.busy} onClick={() => void write.run()}>
          Write
        </Button>
      )}
      {write.error !== null && (
        <div className={classes.problem}>
          <ErrorLine>{write.error}</ErrorLine>
        </div>
      )}
    </>
  );
}

/** The conversations with this person; where they wait to be let in again, with the way to do it. */
function InCommon({ person, onDone }: { person: Person; onDone: () => void }) {
  const me = useMe();
  const navigate = useNavigate();
  const shared = useCircle(({ conversations, order }) => ({ conversations, order }));
  const openReadmit = useReadmit((state) => state.open);
  const rows = sharedWith(shared, person.id);
  return (
    <section className={classes.part} aria-label="Conversations in common">
      <h3>{rows.length === 0 ? 'No conversations in common yet' : 'Conversations in common'}</h3>
      <ul className={classes.shared}>
        {rows.map(({ conversation, participant }) => (
          <li key={conversation.id}>
            <button
              type="button"
              className={classes.open}
              onClick={() => {
                onDone();
                void navigate(addressOf(conversation));
              }}
            >
              <ConversationAvatar conversation={conversation} size={36} />
              <span className={classes.sharedNames}>
                <span>{conversation.title}</span>
                <span>{participant.changed ? 'Not let in again yet' : describe(conversation, me)}</span>
              </span>
            </button>
            {canReadmit(conversation, participant, me) && (
              <Button
                variant="light"
                size="compact-sm"
                aria-label={`Let ${person.displayName} in again: ${conversation.title}`}
                onClick={() => {
                  onDone();
                  openReadmit(conversation.id, person);
                }}
              >
                Let in again
              </Button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
