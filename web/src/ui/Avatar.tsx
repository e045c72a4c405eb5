import type { CSSProperties } from 'react';
import type { PresenceState } from '../circle';
import classes from './Avatar.module.css';
import { hueOf, initialsOf } from './hue';

interface AvatarProps {
  /** Decides the colour; use the protocol id. */
  id: string;
  name: string;
  picture?: string | null;
  size?: number;
  /** People are round, groups and channels are rounded squares. */
  shape?: 'round' | 'square';
  /** Adds a dot for whoever is there: full when online, a ring when away. */
  presence?: PresenceState | null;
}

const THERE: Partial<Record<PresenceState, string>> = { ONLINE: 'Online', AWAY: 'Away' };

/** Decoration beside a name: hidden from screen readers, which hear the name itself, and of the dot what it says. */
export function Avatar({ id, name, picture = null, size = 40, shape = 'round', presence = null }: AvatarProps) {
  const style = { '--hue': hueOf(id), '--size': `${size}px` } as CSSProperties;
  const there = presence === null ? undefined : THERE[presence];
  return (
    <span className={classes.place} style={style}>
      <span className={classes.avatar} data-shape={shape} data-dot={there !== undefined} aria-hidden="true">
        {picture === null ? initialsOf(name) : <img src={picture} alt="" draggable={false} />}
      </span>
      {there !== undefined && <span className={classes.dot} data-presence={presence} role="img" aria-label={there} title={there} />}
    </span>
  );
}
