import { Modal } from '@mantine/core';
import { create } from 'zustand';
import { Keys, usePreferences } from '../../ui';
import classes from './Settings.module.css';

interface Shortcut {
  keys: string;
  does: string;
  single?: boolean;
}

const SHORTCUTS: Shortcut[] = [
  { keys: 'Mod+K', does: 'Find a conversation, a person or a command' },
  { keys: 'N', does: 'New conversation', single: true },
  { keys: 'Alt+↑', does: 'Conversation above' },
  { keys: 'Alt+↓', does: 'Conversation below' },
  { keys: '↑', does: 'Move up in a list (↓ moves down)' },
  { keys: 'Enter', does: 'Send the message' },
  { keys: 'Shift+Enter', does: 'New line in the message' },
  { keys: 'Esc', does: 'Close, or go back' },
  { keys: '?', does: 'Show these shortcuts', single: true },
  { keys: 'Mod+/', does: 'Show these shortcuts' },
];

interface Help {
  opened: boolean;
  open: () => void;
  close: () => void;
}

export const useShortcutHelp = create<Help>((set) => ({
  opened: false,
  open: () => set({ opened: true }),
  close: () => set({ opened: false }),
}));

export function ShortcutTable() {
  const singleKeys = usePreferences((state) => state.singleKeys);
  return (
    <dl className={classes.table}>
      {SHORTCUTS.filter((one) => singleKeys || one.single !== true).map(({ keys, does }) => (
        <div key={keys}>
          <dt>{does}</dt>
          <dd>
            <Keys combination={keys} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

export function ShortcutHelp() {
  const { opened, close } = useShortcutHelp();
  return (
    <Modal opened={opened} onClose={close} title="Keyboard shortcuts" size={460} closeButtonProps={{ 'aria-label': 'Close' }}>
      <ShortcutTable />
    </Modal>
  );
}
