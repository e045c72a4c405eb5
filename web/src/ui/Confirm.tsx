import { Button, Group, Modal, Stack } from '@mantine/core';
import type { ReactNode } from 'react';
import { ErrorLine } from './ErrorLine';
import classes from './Confirm.module.css';
import { keepFocus } from './keepFocus';
import type { Action } from './useAction';

interface ConfirmProps {
  opened: boolean;
  onClose: () => void;
  title: string;
  children: ReactNode;
  /** The button names what it does, never just 'OK'. */
  confirm: string;
  action: Action<[]>;
  /** Nothing can be confirmed; the text says why. */
  blocked?: boolean;
  /** Something is lost by it: the button is red. */
  danger?: boolean;
}

/** Asks before something that cannot be taken back, and says in plain words what it means. */
export function Confirm({ opened, onClose, title, children, confirm, action, blocked = false, danger = true }: ConfirmProps) {
  const close = () => {
    action.clear();
    onClose();
  };
  const go = async () => {
    if (await action.run()) onClose();
  };
  return (
    <Modal opened={opened} onClose={close} title={title} size={440} onExitTransitionEnd={keepFocus} closeButtonProps={{ 'aria-label': 'Close' }}>
      <Stack gap="lg">
        <div className={classes.text}>{children}</div>
        <ErrorLine>{action.error}</ErrorLine>
        <Group justify="flex-end" gap="sm">
          <Button variant="default" onClick={close} data-autofocus>
            {blocked ? 'Close' : 'Cancel'}
          </Button>
          {!blocked && (
            <Button {...(danger ? { color: 'red' } : {})} loading={action.busy} onClick={() => void go()}>
              {confirm}
            </Button>
          )}
        </Group>
      </Stack>
    </Modal>
  );
}
