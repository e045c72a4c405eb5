import { Button, Group, Modal, Radio, Stack } from '@mantine/core';
import { useState, type ReactNode, type SubmitEvent } from 'react';
import { HISTORY, LIFETIME_ORDER, LIFETIMES, useCircle, useClient, type ConversationState, type HistoryPolicy, type LifetimeClass } from '../../circle';
import { ErrorLine, keepFocus, useAction } from '../../ui';
import { usePolicyWindow } from './model';
import classes from './PolicyWindow.module.css';

/** The window in which an admin chooses how long messages stay, or what newcomers read. */
export function PolicyWindow() {
  const { asked, close } = usePolicyWindow();
  const conversation = useCircle((state) => (asked ? state.conversations[asked.conversation] : undefined));
  const title = asked?.about === 'history' ? 'What new people can read' : 'Disappearing messages';
  return (
    <Modal opened={asked !== null} onClose={close} title={title} size={440} onExitTransitionEnd={keepFocus} closeButtonProps={{ 'aria-label': 'Close' }}>
      {conversation && asked?.about === 'lifetime' && <LifetimeForm conversation={conversation} onDone={close} />}
      {conversation && asked?.about === 'history' && <HistoryForm conversation={conversation} onDone={close} />}
    </Modal>
  );
}

interface FormProps {
  conversation: ConversationState;
  onDone: () => void;
}

const CHOICES: LifetimeClass[] = [0, ...LIFETIME_ORDER.filter((one) => one !== 0)];

function LifetimeForm({ conversation, onDone }: FormProps) {
  const client = useClient();
  const [lifetime, setLifetime] = useState(conversation.lifetime);
  const save = useAction(async () => {
    if (lifetime !== conversation.lifetime) await client.policy.set(conversation.id, { lifetime });
    onDone();
  });
  return (
    <Choice
      action={save}
      onCancel={onDone}
      lead="Messages disappear from every device and from the server when their time is over. Anyone here can still take a screenshot or copy the words before."
      note="This is for what is written from now on. It does not reach back: messages that are here already keep the time they were sent with."
    >
      <Radio.Group aria-label="Messages disappear" value={String(lifetime)} onChange={(value) => setLifetime(Number(value) as LifetimeClass)}>
        <div className={classes.options}>
          {CHOICES.map((one) => (
            <Radio key={one} value={String(one)} label={one === 0 ? 'Off: messages stay' : `After ${LIFETIMES[one]}`} classNames={{ body: classes.option }} />
          ))}
        </div>
      </Radio.Group>
    </Choice>
  );
}

const HISTORIES: HistoryPolicy[] = ['JOINING', 'SHARED'];
const HISTORY_NOTE: Record<HistoryPolicy, string> = {
  JOINING: 'This is about people who are added from now on. Those who are here already keep what they can read.',
  SHARED: 'This is about people who are added from now on: they also read what was written while this was set otherwise. For those who are here already nothing changes.',
};

function HistoryForm({ conversation, onDone }: FormProps) {
  const client = useClient();
  const [history, setHistory] = useState(conversation.history);
  const save = useAction(async () => {
    if (history !== conversation.history) await client.policy.set(conversation.id, { history });
    onDone();
  });
  return (
    <Choice action={save} onCancel={onDone} note={HISTORY_NOTE[history]}>
      <Radio.Group aria-label="New people can read" value={history} onChange={(value) => setHistory(value)}>
        <div className={classes.options}>
          {HISTORIES.map((value) => (
            <Radio key={value} value={value} label={HISTORY[value].name} description={HISTORY[value].means} classNames={{ body: classes.option }} />
          ))}
        </div>
      </Radio.Group>
    </Choice>
  );
}

interface ChoiceProps {
  action: { run: () => Promise<boolean>; busy: boolean; error: string | null };
  onCancel: () => void;
  lead?: string;
  note: string;
  children: ReactNode;
}

function Choice({ action, onCancel, lead, note, children }: ChoiceProps) {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    void action.run();
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        {lead !== undefined && <p className={classes.lead}>{lead}</p>}
        {children}
        <p className={classes.note}>{note}</p>
        <ErrorLine>{action.error}</ErrorLine>
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={onCancel}>
            Cancel
          </Button>
          <Button type="submit" loading={action.busy}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
