import { IconChevronRight, IconHistory, IconStopwatch, type Icon } from '@tabler/icons-react';
import { canSetPolicy, HISTORY, LIFETIMES, useMe, type ConversationState } from '../../circle';
import { usePolicyWindow } from './model';
import classes from './PolicySection.module.css';

/** How long messages stay and what newcomers read: shown to everyone, changed by admins. */
export function PolicySection({ conversation }: { conversation: ConversationState }) {
  const me = useMe();
  const open = usePolicyWindow((state) => state.open);
  const may = canSetPolicy(conversation, me);
  const { lifetime, history, type } = conversation;
  return (
    <section aria-label="Messages" className={classes.section}>
      <Row
        icon={IconStopwatch}
        name="Disappearing messages"
        value={lifetime === 0 ? 'Off: messages stay' : `After ${LIFETIMES[lifetime]}`}
        {...(may ? { onChange: () => open('lifetime', conversation.id) } : {})}
      />
      {type !== 'DIRECT' && (
        <Row icon={IconHistory} name="New people can read" value={HISTORY[history].name} {...(may ? { onChange: () => open('history', conversation.id) } : {})} />
      )}
      {!may && conversation.role !== null && type !== 'DIRECT' && <p className={classes.note}>Admins can change this.</p>}
    </section>
  );
}

interface RowProps {
  icon: Icon;
  name: string;
  value: string;
  onChange?: () => void;
}

function Row({ icon: RowIcon, name, value, onChange }: RowProps) {
  const words = (
    <>
      <RowIcon size={20} stroke={1.7} aria-hidden="true" />
      <span className={classes.words}>
        <span>{name}</span>
        <span>{value}</span>
      </span>
    </>
  );
  if (!onChange) return <div className={classes.row}>{words}</div>;
  return (
    <button type="button" className={classes.row} onClick={onChange}>
      {words}
      <IconChevronRight size={17} stroke={1.8} aria-hidden="true" />
    </button>
  );
}
