import { Button, SegmentedControl, Stack, TextInput } from '@mantine/core';
import { useState, type SubmitEvent } from 'react';
import { useNavigate } from 'react-router';
import { addressOf, directWith, useClient, type ConversationType, type HistoryPolicy, type LifetimeClass, type Person } from '../../circle';
import { ErrorLine, useAction } from '../../ui';
import classes from './NewConversation.module.css';
import { TITLE_LENGTH, titleProblem } from './model';
import { PeoplePicker } from './PeoplePicker';
import { PictureField } from './PictureField';
import { PolicyChoice } from './PolicyChoice';

const TYPES: { value: ConversationType; label: string }[] = [
  { value: 'DIRECT', label: 'One person' },
  { value: 'GROUP', label: 'Group' },
  { value: 'BROADCAST', label: 'Channel' },
];
const ABOUT: Record<ConversationType, string> = {
  DIRECT: 'Only the two of you.',
  GROUP: 'Everyone in the group can write.',
  BROADCAST: 'You write, the others read. You can let more people write later.',
};
const SUBMIT: Record<ConversationType, string> = { DIRECT: 'Start conversation', GROUP: 'Create group', BROADCAST: 'Create channel' };

export function NewConversationForm({ onDone }: { onDone: () => void }) {
  const client = useClient();
  const navigate = useNavigate();
  const [type, setType] = useState<ConversationType>('DIRECT');
  const [people, setPeople] = useState<Person[]>([]);
  const [title, setTitle] = useState('');
  const [picture, setPicture] = useState<Blob | null>(null);
  const [lifetime, setLifetime] = useState<LifetimeClass>(0);
  const [history, setHistory] = useState<HistoryPolicy>('JOINING');
  const [tried, setTried] = useState(false);
  const direct = type === 'DIRECT';
  const problem = direct ? null : titleProblem(title);
  const peopleProblem = direct && people.length === 0 ? 'Please choose a person.' : null;

  const named = () => ({ title: title.trim(), history, ...(picture ? { picture } : {}) });
  const create = useAction(async () => {
    const [first] = people;
    const existing = direct && first ? directWith(Object.values(client.store.getState().conversations), first.id) : undefined;
    const id = existing?.id ?? (await client.createConversation({ type, people: people.map((one) => one.id), lifetime, ...(direct ? {} : named()) }));
    const made = client.store.getState().conversations[id];
    onDone();
    if (made) await navigate(addressOf(made));
  });

  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    setTried(true);
    if (problem === null && peopleProblem === null) void create.run();
  };
  const changeType = (value: ConversationType) => {
    setType(value);
    setTried(false);
    if (value === 'DIRECT') setPeople(people.slice(0, 1));
  };
  return (
    <form onSubmit={submit} noValidate>
      <Stack gap="md">
        <div>
          <SegmentedControl fullWidth size="md" aria-label="Kind of conversation" data={TYPES} value={type} onChange={changeType} />
          <p className={classes.about} aria-live="polite">
            {ABOUT[type]}
          </p>
        </div>
        {!direct && (
          <>
            <TextInput
              label="Title"
              placeholder={type === 'GROUP' ? 'Book club' : 'House news'}
              maxLength={TITLE_LENGTH}
              value={title}
              onChange={(event) => setTitle(event.currentTarget.value)}
              error={tried ? problem : null}
            />
            <PictureField id={title} name={title === '' ? '?' : title} picture={picture} current={null} onChange={setPicture} />
          </>
        )}
        <div>
          {!direct && <h3 className={classes.label}>People</h3>}
          <PeoplePicker key={direct ? 'one' : 'many'} single={direct} chosen={people} onChange={setPeople} autoFocus />
        </div>
        <PolicyChoice direct={direct} lifetime={lifetime} history={history} onLifetime={setLifetime} onHistory={setHistory} />
        <ErrorLine>{create.error ?? (tried ? peopleProblem : null)}</ErrorLine>
        <Button type="submit" fullWidth loading={create.busy}>
          {SUBMIT[type]}
        </Button>
      </Stack>
    </form>
  );
}
