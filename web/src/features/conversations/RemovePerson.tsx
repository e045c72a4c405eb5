import { noun, useClient, type ConversationState, type Person } from '../../circle';
import { Confirm, useAction } from '../../ui';

interface RemovePersonProps {
  conversation: ConversationState;
  person: Person;
  opened: boolean;
  onClose: () => void;
}

export function RemovePerson({ conversation, person, opened, onClose }: RemovePersonProps) {
  const client = useClient();
  const remove = useAction(() => client.removePerson(conversation.id, person.id));
  return (
    <Confirm opened={opened} onClose={onClose} title={`Remove ${person.displayName}?`} confirm={`Remove ${person.displayName}`} action={remove}>
      <p>
        {person.displayName} will not be able to read anything that is written in “{conversation.title}” from now on.
      </p>
      <p>What they have received so far stays on their devices. Everyone in the {noun(conversation)} will see that you removed them.</p>
    </Confirm>
  );
}
