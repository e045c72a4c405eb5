/** Who is there and who is typing: passing news, never kept. */

export type PresenceState = 'ONLINE' | 'AWAY' | 'OFFLINE';

/** A person of whom nothing is known is not in `CircleState.presence`: show them as you show OFFLINE. */
export interface PresenceInfo {
  state: PresenceState;
  /** Ms since 1970, to the minute; null while online, where it is hidden, and for whoever hides their own. */
  lastSeenAt: number | null;
}

/** What others see of oneself; each can be switched off. */
export interface PrivacySettings {
  /** Whether one is there. Who hides it does not see when others were last there. */
  presence: boolean;
  readReceipts: boolean;
  deliveryReceipts: boolean;
}

export interface PresenceActions {
  /**
   * Call it with every change of what is being written: others are told at most every three seconds, and that it is over
   * after six seconds without a call. `false` when the text is empty or loses the focus; sending ends it by itself.
   */
  setTyping(conversation: string, typing: boolean): void;
  /** Takes effect at once; throws a CircleError where the server did not take it. */
  setPrivacy(change: Partial<PrivacySettings>): Promise<void>;
}

/** Part of `CircleState`. */
export interface PresenceShown {
  /** By Person id: the people of the open conversation, and those of direct conversations, 200 at most. */
  presence: Record<string, PresenceInfo>;
  /** Null until the server has told it. */
  privacy: PrivacySettings | null;
}
