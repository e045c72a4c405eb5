import { ActionIcon, Button, TextInput, Tooltip } from '@mantine/core';
import { IconEdit, IconMessageCircle, IconSearch, IconUserPlus, IconX } from '@tabler/icons-react';
import { useDeferredValue, useMemo, useState } from 'react';
import { Link } from 'react-router';
import { useCircle } from '../../circle';
import { EmptyState, usePhone } from '../../ui';
import classes from './ConversationList.module.css';
import { ConversationRows } from './ConversationRows';
import { ListSkeleton } from './ListSkeleton';
import { matches, useNewConversation } from './model';

/** The left pane: search, and the conversations with the newest activity first. */
export function ConversationList({ current }: { current: string | undefined }) {
  const { conversations, order, syncing, connection } = useCircle(({ conversations, order, syncing, connection }) => ({ conversations, order, syncing, connection }));
  const [search, setSearch] = useState('');
  const wanted = useDeferredValue(search.trim());
  const phone = usePhone();
  const openNew = useNewConversation((state) => state.open);

  const shown = useMemo(() => {
    const all = order.map((id) => conversations[id]).filter((one) => one !== undefined);
    return wanted === '' ? all : all.filter((one) => matches(one, wanted));
  }, [conversations, order, wanted]);

  return (
    <section className={classes.pane} aria-label="Conversation list">
      <header className={classes.header}>
        <h1 className={classes.title}>Conversations</h1>
        {(connection === 'connecting' || (syncing && order.length > 0)) && (
          <span className={classes.status} role="status">
            {connection === 'connecting' ? 'Connecting…' : 'Updating…'}
          </span>
        )}
        <Tooltip label="New conversation">
          <ActionIcon aria-label="New conversation" variant="light" color="lagoon" onClick={openNew}>
            <IconEdit size={20} stroke={1.8} />
          </ActionIcon>
        </Tooltip>
      </header>
      <div className={classes.search}>
        <TextInput
          type="search"
          aria-label="Search conversations"
          placeholder="Search"
          variant="filled"
          leftSection={<IconSearch size={17} stroke={1.8} aria-hidden="true" />}
          rightSection={
            search !== '' && (
              <ActionIcon aria-label="Clear search" size={30} onClick={() => setSearch('')}>
                <IconX size={16} />
              </ActionIcon>
            )
          }
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Escape' || search === '') return;
            event.stopPropagation();
            setSearch('');
          }}
        />
      </div>
      {order.length === 0 && syncing && <ListSkeleton />}
      {order.length === 0 && !syncing && (
        <EmptyState
          icon={<IconMessageCircle size={30} stroke={1.6} />}
          title="No conversations yet"
          action={
            <div className={classes.choices}>
              <Button onClick={openNew}>Start a conversation</Button>
              {phone && (
                <Button component={Link} to="/invites" variant="subtle" leftSection={<IconUserPlus size={18} aria-hidden="true" />}>
                  Invite people
                </Button>
              )}
            </div>
          }
        >
          Write to one person, make a group, or open a channel for news.
        </EmptyState>
      )}
      {order.length > 0 && shown.length === 0 && (
        <p className={classes.none} role="status">
          Nothing found for “{wanted}”.
        </p>
      )}
      {shown.length > 0 && <ConversationRows conversations={shown} current={current} />}
    </section>
  );
}
