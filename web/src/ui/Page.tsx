import type { ReactNode } from 'react';
import classes from './Page.module.css';

/** A page beside the rail: one column, wide enough to read. */
export function Page({ title, lead, children }: { title: string; lead?: string; children: ReactNode }) {
  return (
    <main className={classes.page} aria-label={title}>
      <div className={classes.column}>
        <header className={classes.header}>
          <h1>{title}</h1>
          {lead !== undefined && <p>{lead}</p>}
        </header>
        {children}
      </div>
    </main>
  );
}

/** A part of a page: a heading, a sentence, and what it is about. */
export function Section({ title, lead, children }: { title: string; lead?: ReactNode; children?: ReactNode }) {
  return (
    <section className={classes.section} aria-label={title}>
      <h2>{title}</h2>
      {lead !== undefined && <p className={classes.lead}>{lead}</p>}
      {children}
    </section>
  );
}
