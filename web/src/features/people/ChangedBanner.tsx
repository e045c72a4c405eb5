import { Button } from '@mantine/core';
import { IconUserExclamation } from '@tabler/icons-react';
import { canReadmit, isShutOut, useMe, waitingPeople, whoCanReadmit, type ConversationState, type Participant, type Person } from '../../circle';
import { firstName, useProfile, useReadmit } from './model';
import classes from './People.module.css';

/** Above a conversation: who began anew with another identity and waits to be let in, and what one can do about it. */
export function ChangedBanner({ conversation }: { conversation: ConversationState }) {
  const me = useMe();
  const waiting = waitingPeople(conversation, me);
  const own = conversation.participants.find((one) => one.person.id === me?.id);
  const shutOut = isShutOut(conversation, me);
  return (
    <div role="status" aria-label="New identity">
      {shutOut && own && <ShutOut helpers={whoCanReadmit(conversation, own)} />}
      {!shutOut && waiting.map((one) => <Waiting key={one.person.id} conversation={conversation} participant={one} me={me} />)}
    </div>
  );
}

function Waiting({ conversation, participant, me }: { conversation: ConversationState; participant: Participant; me: Person | null }) {
  const { person } = participant;
  const openReadmit = useReadmit((state) => state.open);
  const openProfile = useProfile((state) => state.open);
  const may = canReadmit(conversation, participant, me);
  const name = firstName(person);
  return (
    <div className={classes.banner}>
      <IconUserExclamation size={20} stroke={1.8} aria-hidden="true" />
      <div>
        <p>
          <strong>{person.displayName} began anew with a new identity.</strong> Until somebody lets {name} in again, {name} can read nothing that is written here.
          {!may && ` ${byWhom(conversation, participant)}`}
        </p>
        <div className={classes.bannerActions}>
          {may && (
            <Button size="compact-sm" variant="filled" onClick={() => openReadmit(conversation.id, person)}>
              Let {name} in again…
            </Button>
          )}
          <Button size="compact-sm" variant="subtle" color="gray" onClick={() => openProfile(person)}>
            Compare safety numbers
          </Button>
        </div>
      </div>
    </div>
  );
}

function byWhom(conversation: ConversationState, participant: Participant): string {
  const helpers = whoCanReadmit(conversation, participant);
  if (conversation.alarm !== null || helpers.length === 0) return 'That cannot be done at the moment.';
  return `${listOf(helpers)} can do that.`;
}

function ShutOut({ helpers }: { helpers: Person[] }) {
  const openProfile = useProfile((state) => state.open);
  const [first] = helpers;
  return (
    <div className={classes.banner}>
      <IconUserExclamation size={20} stroke={1.8} aria-hidden="true" />
      <div>
        <p>
          <strong>You began anew with a new identity.</strong> Somebody has to let you in before you can read and write here.{' '}
          {helpers.length > 0 && `Ask ${listOf(helpers)}, and compare safety numbers with them so that they know it is you.`}
        </p>
        {first && helpers.length === 1 && (
          <div className={classes.bannerActions}>
            <Button size="compact-sm" variant="subtle" color="gray" onClick={() => openProfile(first)}>
              Show the safety number
            </Button>
          </div>
        )}
      </div>
    </div>
  );
}

const MANY = 3;

/** 'Ada, Bob or Dana'; the first three of many. */
function listOf(people: Person[]): string {
  return new Intl.ListFormat('en', { type: 'disjunction' }).format(people.slice(0, MANY).map((one) => one.displayName));
}
