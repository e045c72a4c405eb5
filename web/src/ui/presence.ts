import { usePresence, type PresenceInfo } from '../circle';
import { relativeTime } from './time';
import { useNow } from './useNow';

/** 'online', 'away', 'last seen 5 minutes ago'; null where there is nothing to tell. */
export function presenceWords(presence: PresenceInfo | null, now: number): string | null {
  switch (presence?.state) {
    case 'ONLINE':
      return 'online';
    case 'AWAY':
      return 'away';
    default:
      break;
  }
  if (presence === null || presence.lastSeenAt === null) return null;
  // Clocks differ: nobody was last seen in the future.
  return `last seen ${relativeTime(Math.min(presence.lastSeenAt, now), now)}`;
}

/** The same of a person, renewed as they come and go and as time passes. */
export function usePresenceWords(person: string | undefined): string | null {
  return presenceWords(usePresence(person), useNow());
}
