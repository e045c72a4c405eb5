import { IconCheck, IconClock, IconLockQuestion } from '@tabler/icons-react';
import { memo, type CSSProperties } from 'react';
import { useClient, type ConversationState, type TimelineItem } from '../../circle';
import { Avatar, clockTime, dayName, exactTime, hueOf, RichText, useAction } from '../../ui';
import { isEmojiOnly, type Row } from './model';
import classes from './Message.module.css';

interface TimelineRowProps {
  conversation: ConversationState;
  row: Row;
  now: number;
}

/** One line, with the day and the unread mark above it where they belong. */
export function TimelineRow({ conversation, row, now }: TimelineRowProps) {
  const { item } = row;
  return (
    <>
      {row.newDay && <p className={classes.day}>{dayName(item.time, now)}</p>}
      {row.unread && <p className={classes.unread}>New messages</p>}
      {item.body.kind === 'notice' ? (
        <p className={classes.notice}>{item.body.text}</p>
      ) : (
        <Message conversationId={conversation.id} direct={conversation.type === 'DIRECT'} item={item} first={row.first} last={row.last} />
      )}
    </>
  );
}

interface MessageProps {
  conversationId: string;
  direct: boolean;
  item: TimelineItem;
  first: boolean;
  last: boolean;
}

const Message = memo(function Message({ conversationId, direct, item, first, last }: MessageProps) {
  const { sender, mine } = item;
  const name = sender?.displayName ?? 'Someone';
  const named = !mine && !direct;
  return (
    <div className={classes.message} data-mine={mine} data-first={first} data-last={last} data-state={item.state}>
      {named && <span className={classes.side}>{last && <Avatar id={sender?.protocolId ?? ''} name={name} size={32} />}</span>}
      <div className={classes.column}>
        {named && first ? (
          <span className={classes.sender} style={{ '--hue': hueOf(sender?.protocolId ?? '') } as CSSProperties}>
            {name}
          </span>
        ) : (
          <span className="visually-hidden">{mine ? 'You' : name}:</span>
        )}
        <Body item={item} />
        {item.state === 'failed' ? <Failed conversationId={conversationId} item={item} /> : (last || item.state === 'sending') && <Meta item={item} />}
      </div>
    </div>
  );
});

function Body({ item }: { item: TimelineItem }) {
  if (item.body.kind === 'unreadable') {
    return (
      <div className={classes.unreadable}>
        <IconLockQuestion size={20} stroke={1.7} aria-hidden="true" />
        <span>
          <strong>This message cannot be read</strong>
          {item.body.reason}
        </span>
      </div>
    );
  }
  const { text } = item.body;
  return (
    <div className={classes.bubble} data-emoji={isEmojiOnly(text)} title={exactTime(item.time)} dir="auto">
      <RichText text={text} />
    </div>
  );
}

function Meta({ item }: { item: TimelineItem }) {
  return (
    <span className={classes.meta}>
      <time dateTime={new Date(item.time).toISOString()}>{clockTime(item.time)}</time>
      {item.mine && (item.state === 'sending' ? <IconClock size={13} role="img" aria-label="Sending" /> : <IconCheck size={14} role="img" aria-label="Sent" />)}
    </span>
  );
}

function Failed({ conversationId, item }: { conversationId: string; item: TimelineItem }) {
  const client = useClient();
  const retry = useAction(() => client.retry(conversationId, item.key));
  const discard = useAction(() => client.discard(conversationId, item.key));
  return (
    <div className={classes.failed}>
      <span role="alert">Not sent. {retry.error ?? discard.error ?? item.error}</span>
      <span>
        <button type="button" onClick={() => void retry.run()}>
          Try again
        </button>
        <button type="button" onClick={() => void discard.run()}>
          Discard
        </button>
      </span>
    </div>
  );
}
