import { IconAlertTriangleFilled, IconClock, IconExclamationCircle, IconSpeakerphone, IconUserExclamation } from '@tabler/icons-react';
import { memo } from 'react';
import { Link } from 'react-router';
import { addressOf, describe, otherPerson, waitingPeople, type ConversationState, type Person } from '../../circle';
import { ConversationAvatar, listTime, shortCount, unreadWords } from '../../ui';
import { typingWords, useDrafts } from '../messages';
import { VerifiedMark } from '../people';
import classes from './ConversationList.module.css';
import { lastOf, previewOf } from './model';

interface ConversationRowProps {
  conversation: ConversationState;
  me: Person | null;
  now: number;
  current: boolean;
}

export const ConversationRow = memo(function ConversationRow({ conversation, me, now, current }: ConversationRowProps) {
  const { unread, unreadIsMore, title } = conversation;
  return (
    <Link
      to={addressOf(conversation)}
      className={classes.row}
      data-conversation={conversation.id}
      data-unread={unread > 0 || unreadIsMore}
      aria-current={current ? 'page' : undefined}
    >
      <ConversationAvatar conversation={conversation} size={46} withPresence />
      <span className={classes.words}>
        <span className={classes.line}>
          <span className={classes.name}>{title}</span>
          {otherPerson(conversation, me)?.verified === true && <VerifiedMark size={15} />}
          {conversation.type === 'BROADCAST' && <IconSpeakerphone size={15} stroke={1.8} aria-label="Channel" className={classes.mark} />}
          <time className={classes.time}>{listTime(conversation.lastActivity, now)}</time>
        </span>
        <span className={classes.line}>
          <Preview conversation={conversation} me={me} now={now} />
          {conversation.alarm === null && waitingPeople(conversation, me).length > 0 && <IconUserExclamation size={17} className={classes.waiting} aria-label="Somebody has a new identity" />}
          {conversation.alarm !== null && <IconAlertTriangleFilled size={16} className={classes.alarm} aria-label="Needs attention" />}
          {(unread > 0 || unreadIsMore) && (
            <span className={classes.badge}>
              <span aria-hidden="true">{shortCount(unread, unreadIsMore)}</span>
              <span className="visually-hidden">{unreadWords(unread, unreadIsMore)}</span>
            </span>
          )}
        </span>
      </span>
    </Link>
  );
});

function Preview({ conversation, me, now }: { conversation: ConversationState; me: Person | null; now: number }) {
  const draft = useDrafts((state) => state.texts[conversation.id]);
  const last = lastOf(conversation, now);
  const typing = typingWords(conversation.typing);
  if (typing !== null) return <span className={`${classes.preview} ${classes.typing}`}>{typing}</span>;
  if (draft !== undefined) {
    return (
      <span className={classes.preview}>
        <b className={classes.draft}>Draft:</b> {draft}
      </span>
    );
  }
  const preview = previewOf(conversation, me, now);
  if (!preview) return <span className={classes.preview}>{describe(conversation, me)}</span>;
  return (
    <>
      {last?.state === 'sending' && <IconClock size={14} aria-label="Sending" className={classes.mark} />}
      {last?.state === 'failed' && <IconExclamationCircle size={15} aria-label="Not sent" className={classes.alarm} />}
      <span className={classes.preview} data-notice={last?.body.kind === 'notice'}>
        {preview.from !== null && `${preview.from}: `}
        {preview.text}
      </span>
    </>
  );
}
