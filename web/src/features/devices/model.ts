import type { DeviceInfo } from '../../circle';
import { countCharacters, relativeTime } from '../../ui';

const LONGEST_NAME = 120;

export function deviceNameProblem(name: string): string | null {
  const length = countCharacters(name.trim());
  if (length === 0) return 'Please enter a name.';
  return length > LONGEST_NAME ? `A name has at most ${LONGEST_NAME} characters.` : null;
}

/** What is known of a device besides its name, in short parts: 'Safari on iPhone', 'Last seen 5 hours ago', 'Added 3 months ago'. */
export function describeDevice(device: DeviceInfo, now: number): string[] {
  const platform = device.platform !== null && device.platform !== device.name ? [device.platform] : [];
  const seen = device.isCurrent ? 'In use now' : device.lastSeenAt === null ? 'Not seen since' : `Last seen ${relativeTime(device.lastSeenAt, now)}`;
  return [...platform, seen, `Added ${relativeTime(device.createdAt, now)}`];
}

/** What a scanned code of a link begins with. */
const LINK_PREFIX = 'circle-link:';

export function isLinkCode(text: string): boolean {
  return text.startsWith(LINK_PREFIX);
}
