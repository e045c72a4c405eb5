import { IconChevronLeft } from '@tabler/icons-react';
import { useEffect, useRef, type ReactNode } from 'react';
import { Link } from 'react-router';
import classes from './Page.module.css';

interface PageProps {
  title: string;
  lead?: ReactNode;
  /** The page that this one is a part of. */
  back?: { to: string; name: string };
  children: ReactNode;
}

/** A page beside the rail: one column, wide enough to read. */
export function Page({ title, lead, back, children }: PageProps) {
  const page = useRef<HTMLElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const inner = back !== undefined;
  useEffect(() => {
    // A page within a page begins with its title, unless a field has the focus already.
    if (inner && page.current?.contains(document.activeElement) !== true) heading.current?.focus();
  }, [inner, title]);
  return (
    <main ref={page} className={classes.page} aria-label={title}>
      <div className={classes.column}>
        <header className={classes.header}>
          {back !== undefined && (
            <Link to={back.to} className={classes.back}>
              <IconChevronLeft size={18} stroke={1.9} aria-hidden="true" />
              {back.name}
            </Link>
          )}
          <h1 ref={heading} tabIndex={inner ? -1 : undefined}>
            {title}
          </h1>
          {lead !== undefined && <div className={classes.intro}>{lead}</div>}
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
