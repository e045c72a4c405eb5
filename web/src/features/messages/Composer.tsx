import { ActionIcon, Textarea } from '@mantine/core';
import { IconArrowUp, IconLock } from '@tabler/icons-react';
import { useEffect, useRef, useState, type KeyboardEvent, type SubmitEvent } from 'react';
import { LIFETIMES, plainMessage, useClient, useMe, writeProblem, type ConversationState } from '../../circle';
import { ErrorLine, usePhone } from '../../ui';
import { useDrafts } from './drafts';
import { LifetimeMenu, useNextLifetime } from './LifetimeMenu';
import { charactersLeft, sendable } from './model';
import classes from './Composer.module.css';

/** Writes and sends. Enter sends, Shift+Enter begins a line; what is not sent is kept per conversation. */
export function Composer({ conversation }: { conversation: ConversationState }) {
  const me = useMe();
  const problem = writeProblem(conversation, me);
  if (problem !== null) {
    return (
      <p className={classes.closed}>
        <IconLock size={16} stroke={1.8} aria-hidden="true" />
        {problem}
      </p>
    );
  }
  return <OpenComposer conversation={conversation} />;
}

function OpenComposer({ conversation }: { conversation: ConversationState }) {
  const { id, title } = conversation;
  const client = useClient();
  const phone = usePhone();
  const field = useRef<HTMLTextAreaElement>(null);
  const draft = useDrafts((state) => state.texts[id] ?? '');
  const { setDraft, setLifetime } = useDrafts.getState();
  const lifetime = useNextLifetime(conversation);
  const [error, setError] = useState<string | null>(null);
  const left = charactersLeft(draft);
  const text = sendable(draft);
  const ready = text !== null && (left === null || left >= 0);

  // On a phone the keyboard would cover the messages that one came to read.
  useEffect(() => {
    if (!phone) field.current?.focus();
  }, [phone]);

  // Whoever leaves the conversation has stopped.
  useEffect(() => () => client.setTyping(id, false), [client, id]);

  const send = () => {
    if (text === null || !ready) return;
    setDraft(id, '');
    setLifetime(id, null);
    setError(null);
    const queued = lifetime === null ? client.send(id, text) : client.send(id, text, { lifetime });
    queued.catch((thrown: unknown) => {
      // It did not even get in line: give the words back, unless new ones have been typed.
      if ((useDrafts.getState().texts[id] ?? '') === '') {
        setDraft(id, text);
        setLifetime(id, lifetime);
      }
      setError(plainMessage(thrown));
    });
  };
  const change = (value: string) => {
    setDraft(id, value);
    client.setTyping(id, value.trim() !== '');
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    send();
    field.current?.focus();
  };
  const keys = (event: KeyboardEvent) => {
    // While a character is being composed (Japanese, Chinese, ...), Enter belongs to the input method.
    if (event.key !== 'Enter' || event.shiftKey || event.altKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };
  return (
    <form className={classes.composer} onSubmit={submit} aria-label="Write a message">
      <ErrorLine>{error}</ErrorLine>
      <div className={classes.row}>
        <LifetimeMenu conversation={conversation} onClose={() => field.current?.focus()} />
        <Textarea
          ref={field}
          className={classes.field}
          aria-label="Message"
          placeholder={`Message ${title}`}
          autosize
          minRows={1}
          maxRows={8}
          enterKeyHint="send"
          value={draft}
          onChange={(event) => change(event.currentTarget.value)}
          onBlur={() => client.setTyping(id, false)}
          onKeyDown={keys}
        />
        <ActionIcon type="submit" variant="filled" color="lagoon" radius="xl" size={44} aria-label="Send" disabled={!ready}>
          <IconArrowUp size={22} stroke={2} />
        </ActionIcon>
      </div>
      <p className="visually-hidden" role="status">
        {lifetime !== null && `The next message disappears after ${LIFETIMES[lifetime]}`}
      </p>
      {left !== null && (
        <p className={classes.left} data-over={left < 0} role="status">
          {left < 0 ? `${-left} characters too long. Please send it in parts.` : `${left} characters left`}
        </p>
      )}
    </form>
  );
}
