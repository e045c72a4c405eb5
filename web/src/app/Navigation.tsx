import { Menu, Tooltip, UnstyledButton } from '@mantine/core';
import { IconLock, IconLogout, IconMessageCircle, IconSettings, IconUserPlus, type Icon } from '@tabler/icons-react';
import { Link, useLocation } from 'react-router';
import { useClient, useMe, useUnread } from '../circle';
import { useSignOut } from '../features/identity';
import { Avatar, ErrorLine, Logo, shortCount, unreadWords, useAction, usePhone } from '../ui';
import classes from './Navigation.module.css';

interface Place {
  to: string;
  name: string;
  icon: Icon;
  /** Part of the address that belongs to this place as well. */
  also?: string;
}

const PLACES: Place[] = [
  { to: '/', name: 'Conversations', icon: IconMessageCircle, also: '/c/' },
  { to: '/invites', name: 'Invitations', icon: IconUserPlus },
  { to: '/settings', name: 'Settings', icon: IconSettings, also: '/settings/' },
];

/** A rail at the side; on a phone, tabs at the bottom. */
export function Navigation() {
  const phone = usePhone();
  return (
    <nav className={classes.rail} aria-label="Main">
      {!phone && (
        <span className={classes.logo}>
          <Logo size={30} />
        </span>
      )}
      <ul className={classes.places}>
        {PLACES.map((place) => (
          <li key={place.to}>
            <PlaceLink place={place} phone={phone} />
          </li>
        ))}
      </ul>
      {!phone && <Account />}
    </nav>
  );
}

function PlaceLink({ place: { to, name, icon: PlaceIcon, also }, phone }: { place: Place; phone: boolean }) {
  const { pathname } = useLocation();
  const here = pathname === to || (also !== undefined && pathname.startsWith(also));
  const { count, isMore } = useUnread();
  const news = to === '/' && (count > 0 || isMore);
  return (
    <Tooltip label={name} position="right" disabled={phone}>
      <Link to={to} className={classes.place} aria-current={here ? 'page' : undefined} aria-label={news ? `${name}, ${unreadWords(count, isMore)}` : name}>
        <span className={classes.symbol}>
          <PlaceIcon size={23} stroke={1.7} aria-hidden="true" />
          {news && (
            <span className={classes.badge} aria-hidden="true">
              {shortCount(count, isMore)}
            </span>
          )}
        </span>
        {phone && (
          <span className={classes.name} aria-hidden="true">
            {name}
          </span>
        )}
      </Link>
    </Tooltip>
  );
}

function Account() {
  const client = useClient();
  const me = useMe();
  const lock = useAction(() => client.lock());
  const signOut = useSignOut();
  if (!me) return null;
  return (
    <Menu position="right-end" width={220}>
      <Menu.Target>
        <UnstyledButton className={classes.account} aria-label={`Account: ${me.displayName}`}>
          <Avatar id={me.protocolId} name={me.displayName} size={36} />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {me.displayName} · @{me.handle}
        </Menu.Label>
        <Menu.Item component={Link} to="/settings" leftSection={<IconSettings size={18} stroke={1.7} aria-hidden="true" />}>
          Settings
        </Menu.Item>
        <Menu.Item leftSection={<IconLock size={18} stroke={1.7} aria-hidden="true" />} closeMenuOnClick={false} onClick={() => void lock.run()}>
          Lock
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout size={18} stroke={1.7} aria-hidden="true" />} closeMenuOnClick={false} onClick={() => void signOut.run()}>
          {signOut.busy ? 'Signing out…' : 'Sign out'}
        </Menu.Item>
        <ErrorLine>{lock.error ?? signOut.error}</ErrorLine>
      </Menu.Dropdown>
    </Menu>
  );
}
