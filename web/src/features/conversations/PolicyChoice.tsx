import { Button, Select } from '@mantine/core';
import { useState } from 'react';
import { HISTORY, LIFETIME_ORDER, LIFETIMES, type HistoryPolicy, type LifetimeClass } from '../../circle';
import classes from './NewConversation.module.css';

const KEEPING = [
  { value: '0', label: 'Off: messages stay' },
  ...LIFETIME_ORDER.filter((one) => one !== 0).map((one) => ({ value: String(one), label: `After ${LIFETIMES[one]}` })),
];
const READING: { value: HistoryPolicy; label: string }[] = [
  { value: 'JOINING', label: HISTORY.JOINING.name },
  { value: 'SHARED', label: HISTORY.SHARED.name },
];

interface PolicyChoiceProps {
  direct: boolean;
  lifetime: LifetimeClass;
  history: HistoryPolicy;
  onLifetime: (lifetime: LifetimeClass) => void;
  onHistory: (history: HistoryPolicy) => void;
}

/** What a new conversation keeps and for whom: said in a sentence, and chosen by those who care. */
export function PolicyChoice({ direct, lifetime, history, onLifetime, onHistory }: PolicyChoiceProps) {
  const [choosing, setChoosing] = useState(false);
  if (!choosing) {
    return (
      <div className={classes.policy}>
        <p>{summary(direct, lifetime, history)}</p>
        <Button variant="subtle" size="compact-md" aria-label="Change what is kept" onClick={() => setChoosing(true)}>
          Change
        </Button>
      </div>
    );
  }
  return (
    <div className={classes.choices}>
      <Select
        label="Disappearing messages"
        // What one asked for is where the keyboard goes on.
        autoFocus
        data={KEEPING}
        value={String(lifetime)}
        onChange={(value) => onLifetime(Number(value ?? 0) as LifetimeClass)}
        allowDeselect={false}
        size="md"
      />
      {!direct && <Select label="New people can read" data={READING} value={history} onChange={(value) => onHistory(value ?? 'JOINING')} allowDeselect={false} size="md" />}
    </div>
  );
}

function summary(direct: boolean, lifetime: LifetimeClass, history: HistoryPolicy): string {
  const keeping = lifetime === 0 ? 'Messages stay' : `Messages disappear after ${LIFETIMES[lifetime]}`;
  if (direct) return `${keeping}.`;
  return `${keeping}. People who are added later read ${history === 'SHARED' ? 'everything from before as well' : 'only what comes after'}.`;
}
