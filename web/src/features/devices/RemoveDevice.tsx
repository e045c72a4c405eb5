import { useClient, type DeviceInfo } from '../../circle';
import { Confirm, useAction } from '../../ui';

interface RemoveDeviceProps {
  device: DeviceInfo;
  opened: boolean;
  onClose: () => void;
  onDone: () => void;
}

/** Asks before a device is removed for good, and says what that does and what it cannot do. */
export function RemoveDevice({ device, opened, onClose, onDone }: RemoveDeviceProps) {
  const client = useClient();
  const remove = useAction(async () => {
    await client.devices.revoke(device.id);
    onDone();
  });
  return (
    <Confirm opened={opened} onClose={onClose} title={`Remove “${device.name}”?`} confirm="Remove it" action={remove}>
      <p>It is signed out at once and reads nothing that is written from now on. Your other devices get new keys.</p>
      <p>When it next comes online, it deletes the messages that it holds. Until then, whoever has it may still read what it has received: if it was stolen, do not rely on that.</p>
      <p>It cannot come back by itself. You can link it again later, like a new one.</p>
    </Confirm>
  );
}
