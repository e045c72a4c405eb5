import { IconLock } from '@tabler/icons-react';
import { useEffect, useRef, type ReactNode } from 'react';
import { Logo } from '../../ui';
import classes from './FrontPage.module.css';
import { Notice } from './Notice';

interface FrontPageProps {
  title: string;
  lead?: ReactNode;
  children?: ReactNode;
  /** More room, for the recovery key. */
  wide?: boolean;
}

/** The frame of everything before one is in: one card, one task. */
export function FrontPage({ title, lead, children, wide = false }: FrontPageProps) {
  const card = useRef<HTMLElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    // Each step begins with its title, unless a field has the focus already.
    if (card.current?.contains(document.activeElement) !== true) heading.current?.focus({ preventScroll: true });
  }, [title]);
  return (
    <div className={classes.page}>
      <Notice />
      <main ref={card} className={classes.card} data-wide={wide}>
        <header className={classes.header}>
          <Logo size={40} />
          <h1 ref={heading} tabIndex={-1} className={classes.title}>
            {title}
          </h1>
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
