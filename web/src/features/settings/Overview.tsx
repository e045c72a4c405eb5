import { Button, SegmentedControl, Switch, useMantineColorScheme, type MantineColorScheme } from '@mantine/core';
import { IconChevronRight, IconDevices, IconEye, IconKey, IconLock, IconLogout, type Icon } from '@tabler/icons-react';
import { Link } from 'react-router';
import { useCircle, useClient, useMe, type PrivacySettings } from '../../circle';
import { Avatar, ErrorLine, Page, Section, useAction, useLoaded, usePreferences } from '../../ui';
import { useSignOut } from '../identity';
import classes from './Settings.module.css';
import { ShortcutTable } from './Shortcuts';

const THEMES: { value: MantineColorScheme; label: string }[] = [
  { value: 'auto', label: 'System' },
  { value: 'light', label: 'Light' },
  { value: 'dark', label: 'Dark' },
];

/** The settings' first page: who one is, the pages behind it, and what is small enough to stand here. */
export function Overview() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const { singleKeys, setSingleKeys } = usePreferences();
  return (
    <Page title="Settings">
      <Profile />
      <Safety />
      <Section title="Appearance" lead="How Circle looks in this browser.">
        <SegmentedControl aria-label="Theme" size="md" className={classes.themes} data={THEMES} value={colorScheme} onChange={setColorScheme} />
      </Section>
      <Section title="Keyboard" lead="Everything works without a mouse.">
        <Switch
          label="Shortcuts of a single key"
          description="Turn this off if you dictate, or press keys by accident."
          checked={singleKeys}
          onChange={(event) => setSingleKeys(event.currentTarget.checked)}
          className={classes.switch}
        />
        <ShortcutTable />
      </Section>
      <About />
    </Page>
  );
}

function Profile() {
  const client = useClient();
  const me = useMe();
  const lock = useAction(() => client.lock());
  const signOut = useSignOut();
  if (!me) return null;
  return (
    <section className={classes.profile} aria-label="Profile">
      <Avatar id={me.protocolId} name={me.displayName} size={64} />
      <div className={classes.names}>
        <h2>{me.displayName}</h2>
        <span>@{me.handle}</span>
      </div>
      <div className={classes.buttons}>
        <Button variant="default" leftSection={<IconLock size={18} aria-hidden="true" />} loading={lock.busy} onClick={() => void lock.run()}>
          Lock
        </Button>
        <Button variant="default" leftSection={<IconLogout size={18} aria-hidden="true" />} loading={signOut.busy} onClick={() => void signOut.run()}>
          Sign out
        </Button>
      </div>
      <ErrorLine>{lock.error ?? signOut.error}</ErrorLine>
    </section>
  );
}

/** The pages about keys and about what others see. What cannot be told about them right now is left out. */
function Safety() {
  const client = useClient();
  const confirmed = useCircle((state) => state.recoveryKeyConfirmed);
  const privacy = useCircle((state) => state.privacy);
  const devices = useLoaded('devices', () => client.devices.list());
  const lock = useLoaded('lock', () => client.locking.state());
  const count = devices.value?.length;
  const ways = [lock.value?.passkey === true && 'passkey', lock.value?.passphrase === true && 'passphrase'].filter((way) => way !== false);
  return (
    <ul className={classes.pages} aria-label="Your keys and privacy">
      <PageLink to="devices" icon={IconDevices} name="Devices" now={count === undefined ? '' : count === 1 ? 'This one' : String(count)}>
        Link a phone or another browser, remove what you lost
      </PageLink>
      <PageLink to="recovery-key" icon={IconKey} name="Recovery key" now={confirmed ? 'Confirmed' : 'Not confirmed'} open={!confirmed}>
        The way back if you lose your devices
      </PageLink>
      <PageLink to="lock" icon={IconLock} name="Lock" now={lock.value ? (ways.length > 0 ? ways.join(' and ') : 'Password') : ''}>
        When this browser locks, and what opens it
      </PageLink>
      <PageLink to="privacy" icon={IconEye} name="Privacy" now={privacy === null ? '' : privacyWords(privacy)}>
        Whether others see when you are online and what you have read
      </PageLink>
    </ul>
  );
}

function privacyWords(privacy: PrivacySettings): string {
  const all = Object.values(privacy);
  const on = all.filter(Boolean).length;
  return on === all.length ? 'All on' : on === 0 ? 'All off' : `${on} of ${all.length} on`;
}

interface PageLinkProps {
  to: string;
  icon: Icon;
  name: string;
  /** How it stands, in a word. */
  now: string;
  /** Something is left to do there. */
  open?: boolean;
  children: string;
}

function PageLink({ to, icon: PageIcon, name, now, open = false, children }: PageLinkProps) {
  return (
    <li>
      <Link to={to} className={classes.page}>
        <span className={classes.symbol} aria-hidden="true">
          <PageIcon size={21} stroke={1.7} />
        </span>
        <span className={classes.about}>
          <strong>{name}</strong>
          <span>{children}</span>
        </span>
        <span className={classes.now} data-open={open}>
          {now}
        </span>
        <IconChevronRight size={18} stroke={1.8} aria-hidden="true" />
      </Link>
    </li>
  );
}

function About() {
  const client = useClient();
  const server = useLoaded('server', () => client.serverInfo());
  return (
    <Section title="About">
      <p className={classes.line}>{server.value ? `${server.value.name} ${server.value.version} on ${location.host}` : (server.error ?? 'Asking the server…')}</p>
      <p className={classes.line}>
        For developers: <a href="/graphiql">the API explorer</a>.
      </p>
    </Section>
  );
}
