import { leaveProblem, noun, useClient, type ConversationState } from '../../circle';
import { Confirm, useAction } from '../../ui';

export function Leave({ conversation, opened, onClose }: { conversation: ConversationState; opened: boolean; onClose: () => void }) {
  const client = useClient();
  const leave = useAction(() => client.leave(conversation.id));
  const problem = leaveProblem(conversation);
  const word = noun(conversation);
  return (
    <Confirm opened={opened} onClose={onClose} title={`Leave “${conversation.title}”?`} confirm={`Leave this ${word}`} action={leave} blocked={problem !== null}>
      {problem !== null ? (
        <p>{problem}</p>
      ) : (
        <p>You will not get new messages from this {word}. What you have received stays on this browser. To come back, someone has to add you again.</p>
      )}
    </Confirm>
  );
}
