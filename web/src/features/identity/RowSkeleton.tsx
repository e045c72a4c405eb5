import { Skeleton } from '@mantine/core';
import classes from './Rows.module.css';

/** The shape of rows that are on their way. */
export function RowSkeleton({ rows, label }: { rows: number; label: string }) {
  return (
    <div role="status" aria-label={label}>
      {Array.from({ length: rows }, (_, index) => (
        <div key={index} className={classes.row}>
          <Skeleton height={38} width={38} radius="md" />
          <div className={classes.text}>
            <Skeleton height={12} width="45%" mb={8} />
            <Skeleton height={10} width="65%" />
          </div>
        </div>
      ))}
    </div>
  );
}
