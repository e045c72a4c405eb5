import { ActionIcon } from '@mantine/core';
import { IconInfoCircle, IconX } from '@tabler/icons-react';
import { useCircle, useClient } from '../../circle';
import classes from './Notice.module.css';

/** What the client has to tell about this device, such as why it was signed out, until it has been read. */
export function Notice({ banner = false }: { banner?: boolean }) {
  const client = useClient();
  const notice = useCircle((state) => state.notice);
  return (
    <div role="alert" className={classes.place} data-banner={banner}>
      {notice !== null && (
        <div className={classes.notice}>
          <IconInfoCircle size={20} stroke={1.8} aria-hidden="true" />
          <p>{notice}</p>
          <ActionIcon aria-label="Dismiss" color="inherit" variant="transparent" onClick={() => client.dismissNotice()}>
            <IconX size={18} stroke={1.8} aria-hidden="true" />
          </ActionIcon>
        </div>
      )}
    </div>
  );
}
