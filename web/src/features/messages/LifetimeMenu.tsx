import { Menu, UnstyledButton } from '@mantine/core';
import { IconStopwatch } from '@tabler/icons-react';
import { useEffect } from 'react';
import { create } from 'zustand';
import { LIFETIMES, shorterLifetimes, type ConversationState, type LifetimeClass } from '../../circle';
import classes from './Composer.module.css';
import { useDrafts } from './drafts';

interface LifetimeMenuStore {
  opened: boolean;
  setOpened: (opened: boolean) => void;
}

/** Whether the choice of the next message's life is open; the palette opens it as well. */
export const useLifetimeMenu = create<LifetimeMenuStore>((set) => ({
  opened: false,
  setOpened: (opened) => set({ opened }),
}));

/** The life chosen for the next message; null where it has the conversation's, also when that has become shorter since. */
export function useNextLifetime(conversation: Pick<ConversationState, 'id' | 'lifetime'>): LifetimeClass | null {
  const chosen = useDrafts((state) => state.lifetimes[conversation.id]);
  return chosen !== undefined && shorterLifetimes(conversation).includes(chosen) ? chosen : null;
}

/** The clock beside the field: lets the next message disappear sooner than the others. */
export function LifetimeMenu({ conversation, onClose }: { conversation: Pick<ConversationState, 'id' | 'lifetime'>; onClose: () => void }) {
  const { opened, setOpened } = useLifetimeMenu();
  const setLifetime = useDrafts((state) => state.setLifetime);
  const next = useNextLifetime(conversation);
  const shown = next ?? conversation.lifetime;
  useEffect(() => () => setOpened(false), [setOpened]);
  const choose = (value: string) => {
    const lifetime = Number(value) as LifetimeClass;
    setLifetime(conversation.id, lifetime === conversation.lifetime ? null : lifetime);
  };
  return (
    <Menu position="top-start" width={250} opened={opened} onChange={setOpened} onClose={onClose} returnFocus={false}>
      <Menu.Target>
        <UnstyledButton
          className={classes.clock}
          data-chosen={next !== null}
          aria-label={shown === 0 ? 'The next message stays. Choose when it disappears' : `The next message disappears after ${LIFETIMES[shown]}. Change that`}
          title="When the next message disappears"
        >
          <IconStopwatch size={20} stroke={1.7} aria-hidden="true" />
          {shown !== 0 && <span aria-hidden="true">{LIFETIMES[shown]}</span>}
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>The next message disappears</Menu.Label>
        <Menu.RadioGroup value={String(shown)} onChange={choose}>
          <Menu.RadioItem value={String(conversation.lifetime)} closeMenuOnClick>
            {conversation.lifetime === 0 ? 'Never, like the others here' : `After ${LIFETIMES[conversation.lifetime]}, like the others here`}
          </Menu.RadioItem>
          {shorterLifetimes(conversation).map((one) => (
            <Menu.RadioItem key={one} value={String(one)} closeMenuOnClick>
              After {LIFETIMES[one]}
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
      </Menu.Dropdown>
    </Menu>
  );
}
