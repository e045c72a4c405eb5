import type { KnownAccount } from '../../circle';
import { Avatar } from '../../ui';
import classes from './Account.module.css';

/** Whose Circle this browser holds, as they look everywhere else. */
export function Account({ account: { protocolId, handle, displayName } }: { account: KnownAccount }) {
  return (
    <div className={classes.account}>
      <Avatar id={protocolId} name={displayName} size={44} />
      <div className={classes.names}>
        <strong>{displayName}</strong>
        <span>@{handle}</span>
      </div>
    </div>
  );
}
