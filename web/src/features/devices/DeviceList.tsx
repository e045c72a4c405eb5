import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { useClient } from '../../circle';
import { ErrorLine, useLoaded, useNow } from '../../ui';
import { RowSkeleton } from '../identity';
import { DeviceRow } from './DeviceRow';
import classes from './DeviceList.module.css';
import { LinkDevice } from './LinkDevice';

/** The devices that can read one's messages; a new one is linked from here. */
export function DeviceList() {
  const client = useClient();
  const now = useNow();
  const [linking, setLinking] = useState(false);
  const devices = useLoaded('devices', () => client.devices.list());
  return (
    <>
      <Button leftSection={<IconPlus size={18} aria-hidden="true" />} onClick={() => setLinking(true)}>
        Link a device
      </Button>
      {devices.loading && <RowSkeleton rows={2} label="Loading devices" />}
      {devices.error !== null && (
        <div className={classes.problem}>
          <ErrorLine onRetry={devices.again}>{devices.error}</ErrorLine>
        </div>
      )}
      {devices.value && (
        <ul className={classes.rows} aria-label="Devices">
          {[...devices.value]
            .sort((one, other) => Number(other.isCurrent) - Number(one.isCurrent) || (other.lastSeenAt ?? 0) - (one.lastSeenAt ?? 0))
            .map((device) => (
              <DeviceRow key={device.id} device={device} now={now} onChanged={devices.again} />
            ))}
        </ul>
      )}
      <LinkDevice opened={linking} onClose={() => setLinking(false)} onLinked={devices.again} />
    </>
  );
}
