import { createContext, use, type ReactNode } from 'react';
import { useStore } from 'zustand';
import { useShallow } from 'zustand/react/shallow';
import type { CircleClient, CircleState, ConversationState, PresenceInfo } from './types';

const ClientContext = createContext<CircleClient | null>(null);

export function ClientProvider({ client, children }: { client: CircleClient; children: ReactNode }) {
  return <ClientContext value={client}>{children}</ClientContext>;
}

/** The client that the app was started with. Throws outside of a `ClientProvider`. */
export function useClient(): CircleClient {
  const client = use(ClientContext);
  if (!client) throw new Error('There is no Circle client above this view.');
  return client;
}

/** A part of the client's state; the view renders again when that part changes (compared shallowly). */
export function useCircle<T>(select: (state: CircleState) => T): T {
  return useStore(useClient().store, useShallow(select));
}

/** The signed-in person. Views below the gate can rely on it. */
export function useMe() {
  return useCircle((state) => state.me);
}

/** How much is unread in all conversations, and whether it is more than this device holds. */
export function useUnread(): { count: number; isMore: boolean } {
  return useCircle(({ conversations }) => {
    const all = Object.values(conversations);
    return { count: all.reduce((sum, one) => sum + one.unread, 0), isMore: all.some((one) => one.unreadIsMore) };
  });
}

/** What is known of whether this person is there; null where nothing is, also while one is offline oneself. */
export function usePresence(person: string | undefined): PresenceInfo | null {
  return useCircle(({ connection, presence }) => (person === undefined || connection === 'offline' ? null : (presence[person] ?? null)));
}

/** A conversation by the id in the address (its protocol id), or undefined while it is not known. */
export function useConversationByAddress(address: string | undefined): ConversationState | undefined {
  return useCircle((state) => Object.values(state.conversations).find((one) => one.protocolId === address));
}
