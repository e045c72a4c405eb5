import { useMantineColorScheme } from '@mantine/core';
import { useNavigate } from 'react-router';
import { useClient } from '../../circle';
import { useNewConversation } from '../conversations';
import { useShortcutHelp } from '../settings';
import type { Command } from './model';
import { useConversationCommands } from './useConversationCommands';

/** What the palette can do besides going somewhere. */
export function useCommands(): Command[] {
  const client = useClient();
  const navigate = useNavigate();
  const { setColorScheme } = useMantineColorScheme();
  const newConversation = useNewConversation((state) => state.open);
  const help = useShortcutHelp((state) => state.open);
  const here = useConversationCommands();
  return [
    ...here,
    { id: 'new', name: 'New conversation', run: newConversation },
    { id: 'invite', name: 'Invite people', run: () => void navigate('/invites') },
    { id: 'settings', name: 'Open settings', run: () => void navigate('/settings') },
    { id: 'devices', name: 'Open devices', run: () => void navigate('/settings/devices') },
    { id: 'recovery', name: 'Open recovery key', run: () => void navigate('/settings/recovery-key') },
    { id: 'light', name: 'Use the light theme', run: () => setColorScheme('light') },
    { id: 'dark', name: 'Use the dark theme', run: () => setColorScheme('dark') },
    { id: 'auto', name: 'Use the system’s theme', run: () => setColorScheme('auto') },
    { id: 'help', name: 'Show keyboard shortcuts', run: help },
    { id: 'lock', name: 'Lock', run: () => void client.lock() },
  ];
}
