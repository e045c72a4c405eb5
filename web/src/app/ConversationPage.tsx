import { Button } from '@mantine/core';
import { IconMessageOff } from '@tabler/icons-react';
import { useEffect } from 'react';
import { Link, useNavigate, useParams } from 'react-router';
import { addressOf, useCircle, useClient, useConversationByAddress } from '../circle';
import { Details } from '../features/conversations';
import { Conversation } from '../features/messages';
import { EmptyState, usePhone } from '../ui';
import classes from './Shell.module.css';
import { Splash } from './Splash';

/** The conversation of the address, with its details beside it or, on a phone, in its place. */
export function ConversationPage({ details }: { details: boolean }) {
  const navigate = useNavigate();
  const client = useClient();
  const phone = usePhone();
  const { address } = useParams();
  const conversation = useConversationByAddress(address);
  const syncing = useCircle((state) => state.syncing);
  const id = conversation?.id;
  // A phone shows either the conversation or its details, and both are about the open one.
  useEffect(() => (id === undefined ? undefined : () => client.closeConversation()), [client, id]);
  if (!conversation) return syncing ? <Splash /> : <Missing />;

  const here = addressOf(conversation);
  const toggle = () => void navigate(details ? here : `${here}/details`, { replace: !phone });
  return (
    <div className={classes.conversation} data-details={details}>
      {!(phone && details) && (
        <Conversation key={conversation.id} conversation={conversation} onBack={() => void navigate('/')} detailsOpen={details} onDetails={toggle} />
      )}
      {details && (
        <div className={classes.details}>
          <Details key={conversation.id} conversation={conversation} onClose={() => void navigate(here, { replace: true })} />
        </div>
      )}
    </div>
  );
}

function Missing() {
  return (
    <main className={classes.nothing} aria-label="No such conversation">
      <EmptyState
        icon={<IconMessageOff size={30} stroke={1.6} />}
        title="This conversation is not here"
        action={
          <Button component={Link} to="/">
            All conversations
          </Button>
        }
      >
        The link may be wrong, or you are not in this conversation.
      </EmptyState>
    </main>
  );
}
