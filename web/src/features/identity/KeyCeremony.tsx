import { useState, type ComponentType, type ReactNode } from 'react';
import { ConfirmWords } from './ConfirmWords';
import { FrontPage } from './FrontPage';
import { RecoveryKey } from './RecoveryKey';

/** A page with a title; which one is for the place where the ceremony is held. */
export type Frame = ComponentType<{ title: string; lead?: ReactNode; wide?: boolean; children?: ReactNode }>;

interface KeyCeremonyProps {
  words: string[];
  handle: string;
  /** What the key is for, and what else is to know here. */
  lead: ReactNode;
  /** What the last button does: 'Finish'. */
  finish: string;
  /** Of the work that begins when the words are confirmed. */
  busy: boolean;
  error: string | null;
  onConfirmed: () => void;
  frame?: Frame;
}

/** Shows a new recovery key once, lets it be saved in several ways, and asks for three of its words. */
export function KeyCeremony({ words, handle, lead, finish, busy, error, onConfirmed, frame: Around = FrontPage }: KeyCeremonyProps) {
  const [saved, setSaved] = useState(false);
  if (!saved) {
    return (
      <Around wide title="Your recovery key" lead={lead}>
        <RecoveryKey words={words} handle={handle} onNext={() => setSaved(true)} />
      </Around>
    );
  }
  return (
    <Around title="Confirm your recovery key" lead="Please type these three words from the key that you have just saved.">
      <ConfirmWords words={words} busy={busy} error={error} finish={finish} onBack={() => setSaved(false)} onConfirmed={onConfirmed} />
    </Around>
  );
}
