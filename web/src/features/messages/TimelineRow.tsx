import { IconClock } from '@tabler/icons-react';
import { memo, type CSSProperties } from 'react';
import { useClient, type ConversationState, type Person, type TimelineItem } from '../../circle';
import { Avatar, clockTime, dayName, exactTime, hueOf, RichText, useAction } from '../../ui';
import { useProfile, VerifiedMark } from '../people';
import { Countdown } from './Countdown';
import { isEmojiOnly, type Row } from './model';
import { Receipt } from './Receipt';
import classes from './Message.module.css';
import { Unreadable } from './Unreadable';

interface TimelineRowProps {
  conversation: ConversationState;
  row: Row;
  now: number;
  /** Its time has come: it closes and is gone. */
  leaving: boolean;
}

/** One line, with the day and the unread mark above it where they belong. */
export function TimelineRow({ conversation, row, now, leaving }: TimelineRowProps) {
  const { item } = row;
  return (
    <div className={classes.line} data-leaving={leaving} inert={leaving}>
      <div>
        {row.newDay && <p className={classes.day}>{dayName(item.time, now)}</p>}
        {row.unread && <p className={classes.unread}>New messages</p>}
        {item.body.kind === 'notice' ? (
          <p className={classes.notice}>{item.body.text}</p>
        ) : (
          <Message conversationId={conversation.id} direct={conversation.type === 'DIRECT'} item={item} first={row.first} last={row.last} newestMine={row.newestMine} />
        )}
      </div>
    </div>
  );
}

interface MessageProps {
  conversationId: string;
  direct: boolean;
  item: TimelineItem;
  first: boolean;
  last: boolean;
  newestMine: boolean;
}

const Message = memo(function Message({ conversationId, direct, item, first, last, newestMine }: MessageProps) {
  const { sender, mine } = item;
  const name = sender?.displayName ?? 'Someone';
  const named = !mine && !direct;
  const meta = item.state !== 'failed' && (last || item.state === 'sending');
  return (
    <div className={classes.message} data-mine={mine} data-first={first} data-last={last} data-state={item.state}>
      {named && <span className={classes.side}>{last && <Avatar id={sender?.protocolId ?? ''} name={name} size={32} />}</span>}
      <div className={classes.column}>
        {named && first ? <SenderName sender={sender} /> : <span className="visually-hidden">{mine ? 'You' : name}:</span>}
        <div className={classes.beside}>
          <Body item={item} />
          {!meta && <Countdown item={item} />}
        </div>
        {item.state === 'failed' ? <Failed conversationId={conversationId} item={item} /> : meta && <Meta conversationId={conversationId} direct={direct} item={item} newestMine={newestMine} />}
      </div>
    </div>
  );
});

/** Opens the profile, unless nobody is proven to have written this. */
function SenderName({ sender }: { sender: Person | null }) {
  const open = useProfile((state) => state.open);
  if (!sender || sender.id === '') return <span className={classes.sender}>Someone</span>;
  return (
    <button type="button" className={classes.sender} style={{ '--hue': hueOf(sender.protocolId) } as CSSProperties} title="Show profile" onClick={() => open(sender)}>
      {sender.displayName}
      {sender.verified && <VerifiedMark size={14} />}
    </button>
  );
}

function Body({ item }: { item: TimelineItem }) {
  if (item.body.kind === 'unreadable') return <Unreadable code={item.body.code} reason={item.body.reason} sender={item.sender} />;
  const { text } = item.body;
  return (
    <div className={classes.bubble} data-emoji={isEmojiOnly(text)} title={exactTime(item.time)} dir="auto">
      <RichText text={text} />
    </div>
  );
}

function Meta({ conversationId, direct, item, newestMine }: Omit<MessageProps, 'first' | 'last'>) {
  return (
    <span className={classes.meta}>
      <time dateTime={new Date(item.time).toISOString()}>{clockTime(item.time)}</time>
      {item.mine &&
        (item.state === 'sending' ? (
          <IconClock size={13} role="img" aria-label="Sending" />
        ) : (
          <Receipt conversationId={conversationId} direct={direct} item={item} words={newestMine} />
        ))}
      <Countdown item={item} words />
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
