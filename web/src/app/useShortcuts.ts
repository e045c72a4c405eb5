import { useEffect } from 'react';
import { useLocation, useNavigate } from 'react-router';
import { addressOf, useClient } from '../circle';
import { useNewConversation } from '../features/conversations';
import { usePalette } from '../features/palette';
import { useShortcutHelp } from '../features/settings';
import { usePreferences } from '../ui';

/** While one of these is open, keys belong to it. */
const OVERLAYS = '.mantine-Modal-content, .mantine-Menu-dropdown, .mantine-Popover-dropdown, .mantine-Select-dropdown';

/** The application's keys. `address` is the open conversation's. */
export function useShortcuts(address: string | undefined): void {
  const client = useClient();
  const navigate = useNavigate();
  const { pathname } = useLocation();

  useEffect(() => {
    const step = (by: number) => {
      const { order, conversations } = client.store.getState();
      const all = order.flatMap((id) => conversations[id] ?? []);
      const at = all.findIndex((one) => one.protocolId === address);
      const next = all[at === -1 ? 0 : at + by];
      if (next) void navigate(addressOf(next));
    };
    const back = () => {
      if (pathname.endsWith('/details')) void navigate(pathname.replace(/\/details$/, ''), { replace: true });
      else if (pathname.startsWith('/settings/')) void navigate('/settings');
      else if (pathname !== '/') void navigate('/');
    };
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing) return;
      const mod = event.ctrlKey || event.metaKey;
      const run = (action: () => void) => {
        event.preventDefault();
        action();
      };
      if (mod && !event.altKey && event.key.toLowerCase() === 'k') run(usePalette.getState().open);
      else if (mod && event.key === '/') run(useShortcutHelp.getState().open);
      else if (document.querySelector(OVERLAYS)) return;
      else if (event.altKey && event.key === 'ArrowDown') run(() => step(1));
      else if (event.altKey && event.key === 'ArrowUp') run(() => step(-1));
      else if (event.key === 'Escape') run(back);
      else if (!mod && !event.altKey && usePreferences.getState().singleKeys && !isTyping(event.target)) {
        if (event.key === '?') run(useShortcutHelp.getState().open);
        else if (event.key.toLowerCase() === 'n' && !event.shiftKey) run(useNewConversation.getState().open);
      }
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [client, navigate, pathname, address]);
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
