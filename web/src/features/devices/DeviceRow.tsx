import { ActionIcon, Button, Menu, TextInput } from '@mantine/core';
import { IconDeviceDesktop, IconDeviceMobile, IconDots, IconPencil, IconTerminal2, IconTrash } from '@tabler/icons-react';
import { useRef, useState, type SubmitEvent } from 'react';
import { useClient, type DeviceInfo } from '../../circle';
import { ErrorLine, useAction } from '../../ui';
import classes from './DeviceList.module.css';
import { describeDevice, deviceNameProblem } from './model';
import { RemoveDevice } from './RemoveDevice';

interface DeviceRowProps {
  device: DeviceInfo;
  now: number;
  onChanged: () => void;
}

export function DeviceRow({ device, now, onChanged }: DeviceRowProps) {
  const [renaming, setRenaming] = useState(false);
  const [removing, setRemoving] = useState(false);
  const options = useRef<HTMLButtonElement>(null);
  const stop = () => {
    setRenaming(false);
    // The field that had the focus is gone.
    requestAnimationFrame(() => options.current?.focus());
  };
  return (
    <li className={classes.row}>
      <span className={classes.icon} data-current={device.isCurrent} aria-hidden="true">
        <DeviceIcon device={device} />
      </span>
      {renaming ? (
        <Rename device={device} onDone={onChanged} onClose={stop} />
      ) : (
        <>
          <div className={classes.text}>
            <span className={classes.name}>
              {device.name}
              {device.isCurrent && <span className={classes.badge}>This device</span>}
            </span>
            <span className={classes.detail}>
              {describeDevice(device, now).map((part) => (
                <span key={part}>{part}</span>
              ))}
            </span>
          </div>
          <Menu position="bottom-end" width={200}>
            <Menu.Target>
              <ActionIcon ref={options} aria-label={`Options for ${device.name}`}>
                <IconDots size={20} stroke={1.8} aria-hidden="true" />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item leftSection={<IconPencil size={18} stroke={1.7} aria-hidden="true" />} onClick={() => setRenaming(true)}>
                Rename
              </Menu.Item>
              {!device.isCurrent && (
                <Menu.Item color="red" leftSection={<IconTrash size={18} stroke={1.7} aria-hidden="true" />} onClick={() => setRemoving(true)}>
                  Remove
                </Menu.Item>
              )}
            </Menu.Dropdown>
          </Menu>
        </>
      )}
      <RemoveDevice device={device} opened={removing} onClose={() => setRemoving(false)} onDone={onChanged} />
    </li>
  );
}

function Rename({ device, onDone, onClose }: { device: DeviceInfo; onDone: () => void; onClose: () => void }) {
  const client = useClient();
  const [name, setName] = useState(device.name);
  const [tried, setTried] = useState(false);
  const problem = deviceNameProblem(name);
  const rename = useAction(async () => {
    if (name.trim() !== device.name) {
      await client.devices.rename(device.id, name.trim());
      onDone();
    }
    onClose();
  });
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    setTried(true);
    if (problem === null) void rename.run();
  };
  return (
    <form
      className={classes.rename}
      onSubmit={submit}
      noValidate
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return;
        event.preventDefault();
        onClose();
      }}
    >
      <TextInput
        aria-label={`Name of ${device.name}`}
        autoFocus
        size="sm"
        autoComplete="off"
        value={name}
        onFocus={(event) => event.currentTarget.select()}
        onChange={(event) => setName(event.currentTarget.value)}
        error={tried ? problem : null}
      />
      <Button type="submit" size="sm" loading={rename.busy}>
        Save
      </Button>
      <Button variant="default" size="sm" onClick={onClose}>
        Cancel
      </Button>
      {rename.error !== null && (
        <div className={classes.trouble}>
          <ErrorLine>{rename.error}</ErrorLine>
        </div>
      )}
    </form>
  );
}

function DeviceIcon({ device: { name, platform } }: { device: DeviceInfo }) {
  const text = `${platform ?? ''} ${name}`;
  if (/iphone|android|ipad|phone/i.test(text)) return <IconDeviceMobile size={21} stroke={1.7} />;
  if (/client|python|bot/i.test(text)) return <IconTerminal2 size={21} stroke={1.7} />;
  return <IconDeviceDesktop size={21} stroke={1.7} />;
}
