import { Popover } from '@mantine/core';
import { IconLockQuestion } from '@tabler/icons-react';
import type { Person, UnreadableCode } from '../../circle';
import classes from './Unreadable.module.css';
import { explain } from './explain';

/** In the place of a message that this device does not show: that it is there, why, and what to do. */
export function Unreadable({ code, reason, sender }: { code: UnreadableCode; reason: string; sender: Person | null }) {
  const { title, advice } = explain(code, sender);
  return (
    <div className={classes.unreadable}>
      <IconLockQuestion size={19} stroke={1.7} aria-hidden="true" />
      <span className={classes.words}>
        <span>{title}</span>
        <Popover position="bottom" width={340} trapFocus returnFocus withArrow>
          <Popover.Target>
            <button type="button" className={classes.why}>
              What to do
            </button>
          </Popover.Target>
          <Popover.Dropdown aria-label="What to do">
            <div className={classes.advice} tabIndex={-1} data-autofocus>
              <p>
                <strong>{reason}</strong>
              </p>
              {advice.map((one) => (
                <p key={one}>{one}</p>
              ))}
            </div>
          </Popover.Dropdown>
        </Popover>
      </span>
    </div>
  );
}
