import { Popover } from '@mantine/core';
import { IconCheck, IconChecks, IconCircleCheckFilled } from '@tabler/icons-react';
import { useCircle, useMe, type Person, type TimelineItem } from '../../circle';
import { PersonAvatar } from '../../ui';
import { reached, reachOf, receiptWords, type Reached } from './receipts';
import classes from './Receipt.module.css';

const ICONS = { sent: IconCheck, delivered: IconChecks, read: IconCircleCheckFilled } as const;

interface ReceiptProps {
  conversationId: string;
  direct: boolean;
  item: TimelineItem;
  /** In words as well: at the newest of one's messages. */
  words: boolean;
}

/** How far an own message has come: by a sign, at the newest one in words, and among several people with their names. */
export function Receipt({ conversationId, direct, item, words }: ReceiptProps) {
  const { receipt } = item;
  const text = receiptWords(receipt, direct);
  const state = reached(receipt);
  if (direct || receipt === null || receipt.of === 0) {
    return (
      <span className={classes.receipt} data-reached={state} title={text}>
        <Sign state={state} />
        {/* A single tick says enough; what came of it is worth a word. */}
        {words && state !== 'sent' ? text : <span className="visually-hidden">{text}</span>}
      </span>
    );
  }
  return (
    <Popover position="top-end" width={270} trapFocus returnFocus withArrow>
      <Popover.Target>
        <button type="button" className={classes.receipt} data-reached={state} title={text}>
          <Sign state={state} />
          {words && state !== 'sent' ? text : <span className="visually-hidden">{text}</span>}
        </button>
      </Popover.Target>
      <Popover.Dropdown>
        <People conversationId={conversationId} item={item} />
      </Popover.Dropdown>
    </Popover>
  );
}

function Sign({ state }: { state: Reached }) {
  const Icon = ICONS[state];
  return <Icon size={state === 'delivered' ? 15 : 14} aria-hidden="true" />;
}

function People({ conversationId, item }: { conversationId: string; item: TimelineItem }) {
  const me = useMe();
  const conversation = useCircle((state) => state.conversations[conversationId]);
  if (!conversation) return null;
  const { read, delivered, unknown } = reachOf(conversation, item, me);
  return (
    <div className={classes.people} tabIndex={-1} data-autofocus>
      <Group name="Read" people={read} />
      <Group name="Delivered" people={delivered} />
      <Group name="No receipt" people={unknown} note="Not received yet, or they send no receipts." />
    </div>
  );
}

function Group({ name, people, note }: { name: string; people: Person[]; note?: string }) {
  if (people.length === 0) return null;
  return (
    <section aria-label={name}>
      <h3>
        {name} <span aria-hidden="true">{people.length}</span>
      </h3>
      {note !== undefined && <p>{note}</p>}
      <ul aria-label={name}>
        {people.map((person) => (
          <li key={person.id}>
            <PersonAvatar person={person} size={26} />
            {person.displayName}
          </li>
        ))}
      </ul>
    </section>
  );
}
