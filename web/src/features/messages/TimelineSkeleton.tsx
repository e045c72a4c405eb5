import { Skeleton } from '@mantine/core';
import classes from './Timeline.module.css';

const SHAPES = [
  [220, 38, 'start'],
  [310, 60, 'start'],
  [180, 38, 'end'],
  [260, 38, 'start'],
  [290, 82, 'end'],
  [140, 38, 'end'],
] as const;

export function TimelineSkeleton() {
  return (
    <div className={classes.skeleton} role="status" aria-label="Loading messages">
      {SHAPES.map(([width, height, side], index) => (
        <Skeleton key={index} width={width} height={height} radius={18} style={{ alignSelf: side }} />
      ))}
    </div>
  );
}
