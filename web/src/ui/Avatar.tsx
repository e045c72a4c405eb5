import type { CSSProperties } from 'react';
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
}

/** Decoration beside a name: hidden from screen readers, which hear the name itself. */
export function Avatar({ id, name, picture = null, size = 40, shape = 'round' }: AvatarProps) {
  const style = { '--hue': hueOf(id), '--size': `${size}px` } as CSSProperties;
  return (
    <span className={classes.avatar} data-shape={shape} style={style} aria-hidden="true">
      {picture === null ? initialsOf(name) : <img src={picture} alt="" draggable={false} />}
    </span>
  );
}
