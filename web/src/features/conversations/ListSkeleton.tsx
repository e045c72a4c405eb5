import { Skeleton } from '@mantine/core';
import classes from './ConversationList.module.css';

const ROWS = 7;

export function ListSkeleton() {
  return (
    <div className={classes.skeleton} role="status" aria-label="Loading conversations">
      {Array.from({ length: ROWS }, (_, index) => (
        <div key={index} className={classes.row}>
          <Skeleton circle height={46} />
          <span className={classes.words}>
            <Skeleton height={12} width={`${40 + ((index * 17) % 35)}%`} mb={10} />
            <Skeleton height={10} width={`${60 + ((index * 23) % 35)}%`} />
          </span>
        </div>
      ))}
    </div>
  );
}
