import { useLocation, useNavigate } from 'react-router';
import { addressOf, canReadmit, canSetPolicy, otherPerson, useConversationByAddress, useMe, waitingPeople, writeProblem, type ConversationState, type Person } from '../../circle';
import { usePolicyWindow } from '../conversations';
import { useLifetimeMenu } from '../messages';
import { useProfile, useReadmit } from '../people';
import type { Command } from './model';

/** What the palette can do in the conversation that is open. */
export function useConversationCommands(): Command[] {
  const { pathname } = useLocation();
  const navigate = useNavigate();
  const me = useMe();
  const conversation = useConversationByAddress(/^\/c\/([^/]+)/.exec(pathname)?.[1]);
  if (!conversation) return [];
  return [...aboutPeople(conversation, me), ...aboutMessages(conversation, me, () => void navigate(`${addressOf(conversation)}/details`))];
}

function aboutPeople(conversation: ConversationState, me: Person | null): Command[] {
  const other = otherPerson(conversation, me);
  const shown = other ? [other] : conversation.participants.map((one) => one.person).filter((one) => one.id !== me?.id);
  return [
    ...waitingPeople(conversation, me)
      .filter((one) => canReadmit(conversation, one, me))
      .map(({ person }) => ({ id: `readmit-${person.id}`, name: `Let ${person.displayName} in again`, run: () => useReadmit.getState().open(conversation.id, person) })),
    ...shown.map((person) => ({
      id: `profile-${person.id}`,
      name: `Profile and safety number of ${person.displayName}`,
      // In a group they are found by name, but do not fill the list.
      onlyFound: !other,
      run: () => useProfile.getState().open(person),
    })),
  ];
}

function aboutMessages(conversation: ConversationState, me: Person | null, showDetails: () => void): Command[] {
  const commands: Command[] = [{ id: 'details', name: 'Show details of this conversation', run: showDetails }];
  if (canSetPolicy(conversation, me)) {
    const open = usePolicyWindow.getState().open;
    commands.push({ id: 'lifetime', name: 'Set disappearing messages', run: () => open('lifetime', conversation.id) });
    if (conversation.type !== 'DIRECT') commands.push({ id: 'history', name: 'Choose what new people can read', run: () => open('history', conversation.id) });
  }
  if (writeProblem(conversation, me) === null) {
    commands.push({ id: 'next', name: 'Choose when the next message disappears', run: () => useLifetimeMenu.getState().setOpened(true) });
  }
  return commands;
}
