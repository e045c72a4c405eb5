import { useMe, usePresence, type Person } from '../circle';
import { Avatar } from './Avatar';

/** Somebody, with a dot while they are there. One's own needs none. */
export function PersonAvatar({ person, size }: { person: Person; size: number }) {
  const me = useMe();
  const presence = usePresence(person.id === me?.id ? undefined : person.id);
  return <Avatar id={person.protocolId} name={person.displayName} size={size} presence={presence?.state ?? null} />;
}
