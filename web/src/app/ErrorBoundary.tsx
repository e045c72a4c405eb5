import { Button } from '@mantine/core';
import { IconMoodConfuzed } from '@tabler/icons-react';
import { Component, type ReactNode } from 'react';
import { EmptyState } from '../ui';

/** The last net: a fault in a view becomes a sentence and a way out. Nothing is lost, everything is stored. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    return (
      <div role="alert" style={{ display: 'flex', height: '100%' }}>
        <EmptyState
          icon={<IconMoodConfuzed size={30} stroke={1.6} />}
          title="Something went wrong on this page"
          action={<Button onClick={() => location.reload()}>Load the page again</Button>}
        >
          Your messages are safe. Loading the page again usually helps.
        </EmptyState>
      </div>
    );
  }
}
