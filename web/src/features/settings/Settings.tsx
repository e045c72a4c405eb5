import { Button, SegmentedControl, Switch, useMantineColorScheme, type MantineColorScheme } from '@mantine/core';
import { IconLock, IconLogout } from '@tabler/icons-react';
import { useClient, useMe } from '../../circle';
import { Avatar, ErrorLine, Page, Section, useAction, useLoaded, usePreferences } from '../../ui';
import { SessionList, useSignOut } from '../identity';
import classes from './Settings.module.css';
import { ShortcutTable } from './Shortcuts';

const THEMES: { value: MantineColorScheme; label: string }[] = [
  { value: 'auto', label: 'System' },
  { value: 'light', label: 'Light' },
  { value: 'dark', label: 'Dark' },
];

export function Settings() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const { singleKeys, setSingleKeys } = usePreferences();
  return (
    <Page title="Settings">
      <Profile />
      <Section title="Appearance" lead="How Circle looks in this browser.">
        <SegmentedControl aria-label="Theme" size="md" className={classes.themes} data={THEMES} value={colorScheme} onChange={setColorScheme} />
      </Section>
      <Section title="Recovery key" lead="The 24 words that you saved when you joined. They are the only way back to your messages if you lose this browser. Circle has no copy and cannot show them again: keep yours where only you can find it." />
      <Section title="Sessions" lead="Where you are signed in. Sign out any that you do not know.">
        <SessionList />
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

function About() {
  const client = useClient();
  const server = useLoaded('server', () => client.serverInfo());
  return (
    <Section title="About">
      <p className={classes.about}>
        {server.value ? `${server.value.name} ${server.value.version} on ${location.host}` : (server.error ?? 'Asking the server…')}
      </p>
      <p className={classes.about}>
        For developers: <a href="/graphiql">the API explorer</a>.
      </p>
    </Section>
  );
}
