import { IconCloudOff } from '@tabler/icons-react';
import { useCircle } from '../circle';
import classes from './Shell.module.css';

/** Says that one is offline, and that it does not matter much. */
export function OfflineBanner() {
  const offline = useCircle((state) => state.connection === 'offline');
  return (
    <div role="status">
      {offline && (
        <p className={classes.banner} style={{ margin: 0 }}>
          <IconCloudOff size={18} stroke={1.8} aria-hidden="true" />
          You are offline. Messages will be sent when you are back.
        </p>
      )}
    </div>
  );
}
