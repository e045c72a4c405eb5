import { Modal } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconCommand, IconSearch } from '@tabler/icons-react';
import { Fragment, useId, useState, type KeyboardEvent } from 'react';
import { useNavigate } from 'react-router';
import { addressOf, describe, useCircle, useClient, useMe } from '../../circle';
import { Avatar, ConversationAvatar, ErrorLine, useAction, useLoaded } from '../../ui';
import { matches } from '../conversations';
import { findHits, usePalette, type Hit } from './model';
import classes from './Palette.module.css';
import { useCommands } from './useCommands';

const HEADINGS: Record<Hit['kind'], string> = { conversation: 'Conversations', person: 'Start a conversation with', command: 'Commands' };
const WAIT = 120;

/** Ctrl/Cmd+K: go to a conversation, begin one with a person, or run a command. */
export function Palette() {
  const { opened, close } = usePalette();
  return (
    <Modal.Root opened={opened} onClose={close} size={560} yOffset="12dvh" transitionProps={{ duration: 0 }}>
      <Modal.Overlay backgroundOpacity={0.4} blur={2} />
      <Modal.Content radius="lg" aria-label="Find">
        <Modal.Body p={0}>
          <PaletteBody onDone={close} />
        </Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}

function PaletteBody({ onDone }: { onDone: () => void }) {
  const client = useClient();
  const navigate = useNavigate();
  const me = useMe();
  const listId = useId();
  const commands = useCommands();
  const conversations = useCircle((state) => state.order.flatMap((id) => state.conversations[id] ?? []));
  const [search, setSearch] = useState('');
  const [active, setActive] = useState(0);
  const wanted = search.trim();
  const [asked] = useDebouncedValue(wanted, WAIT);
  const people = useLoaded(asked, async () => (asked === '' ? [] : client.searchPeople(asked)));
  const hits = findHits({ search: wanted, conversations, people: people.value ?? [], commands, me, matches });

  const choose = useAction(async (hit: Hit) => {
    if (hit.kind === 'conversation') await navigate(addressOf(hit.conversation));
    if (hit.kind === 'person') {
      const id = await client.createConversation({ type: 'DIRECT', people: [hit.person.id] });
      const made = client.store.getState().conversations[id];
      if (made) await navigate(addressOf(made));
    }
    onDone();
    if (hit.kind === 'command') hit.command.run();
  });
  const keys = (event: KeyboardEvent) => {
    const hit = hits[active];
    if (event.key === 'ArrowDown') setActive(Math.min(active + 1, hits.length - 1));
    else if (event.key === 'ArrowUp') setActive(Math.max(active - 1, 0));
    else if (event.key === 'Enter' && hit && !event.nativeEvent.isComposing) void choose.run(hit);
    else return;
    event.preventDefault();
  };
  const option = (hit: Hit) => `${listId}-${hit.id}`;
  const activeHit = hits[active];

  return (
    <>
      <div className={classes.field}>
        <IconSearch size={20} stroke={1.8} aria-hidden="true" />
        <input
          role="combobox"
          aria-label="Search conversations, people and commands"
          aria-expanded="true"
          aria-controls={listId}
          aria-autocomplete="list"
          aria-activedescendant={activeHit ? option(activeHit) : undefined}
          placeholder="Find a conversation, a person or a command"
          data-autofocus
          // At once: whoever presses Ctrl+K goes on typing.
          autoFocus
          autoComplete="off"
          spellCheck={false}
          value={search}
          onChange={(event) => {
            setSearch(event.currentTarget.value);
            setActive(0);
          }}
          onKeyDown={keys}
        />
      </div>
      <div id={listId} role="listbox" aria-label="Results" className={classes.list}>
        {hits.map((hit, index) => (
          <Fragment key={option(hit)}>
            {hits[index - 1]?.kind !== hit.kind && (
              <div className={classes.heading} role="presentation">
                {HEADINGS[hit.kind]}
              </div>
            )}
            <div
              id={option(hit)}
              role="option"
              aria-selected={index === active}
              className={classes.option}
              ref={index === active ? (element) => element?.scrollIntoView({ block: 'nearest' }) : null}
              onClick={() => void choose.run(hit)}
              onPointerMove={() => setActive(index)}
            >
              <HitLine hit={hit} describe={(conversation) => describe(conversation, me)} />
            </div>
          </Fragment>
        ))}
      </div>
      {hits.length === 0 && (
        <p className={classes.none} role="status">
          {people.loading ? 'Searching…' : `Nothing found for “${wanted}”.`}
        </p>
      )}
      {(choose.error ?? people.error) !== null && (
        <div className={classes.problem}>
          <ErrorLine>{choose.error ?? people.error}</ErrorLine>
        </div>
      )}
    </>
  );
}

function HitLine({ hit, describe: about }: { hit: Hit; describe: (conversation: Extract<Hit, { kind: 'conversation' }>['conversation']) => string }) {
  switch (hit.kind) {
    case 'conversation':
      return (
        <>
          <ConversationAvatar conversation={hit.conversation} size={32} />
          <span className={classes.name}>{hit.conversation.title}</span>
          <span className={classes.about}>{about(hit.conversation)}</span>
        </>
      );
    case 'person':
      return (
        <>
          <Avatar id={hit.person.protocolId} name={hit.person.displayName} size={32} />
          <span className={classes.name}>{hit.person.displayName}</span>
          <span className={classes.about}>@{hit.person.handle}</span>
        </>
      );
    case 'command':
      return (
        <>
          <span className={classes.icon} aria-hidden="true">
            <IconCommand size={17} stroke={1.7} />
          </span>
          <span className={classes.name}>{hit.command.name}</span>
        </>
      );
  }
}
