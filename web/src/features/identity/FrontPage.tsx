import { IconLock } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { Logo } from '../../ui';
import classes from './FrontPage.module.css';

interface FrontPageProps {
  title: string;
  lead?: ReactNode;
  children?: ReactNode;
  /** More room, for the recovery key. */
  wide?: boolean;
}

/** The frame of everything before one is in: one card, one task. */
export function FrontPage({ title, lead, children, wide = false }: FrontPageProps) {
  return (
    <div className={classes.page}>
      <main className={classes.card} data-wide={wide}>
        <header className={classes.header}>
          <Logo size={40} />
          <h1 className={classes.title}>{title}</h1>
          {lead !== undefined && <div className={classes.lead}>{lead}</div>}
        </header>
        {children}
      </main>
      <footer className={classes.footer}>
        <IconLock size={15} stroke={1.8} aria-hidden="true" />
        End-to-end encrypted. Only the people you write to can read it.
      </footer>
    </div>
  );
}
