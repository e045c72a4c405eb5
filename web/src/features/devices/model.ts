import type { DeviceInfo } from '../../circle';
import { countCharacters, relativeTime } from '../../ui';

const LONGEST_NAME = 120;

export function deviceNameProblem(name: string): string | null {
  const length = countCharacters(name.trim());
  if (length === 0) return 'Please enter a name.';
  return length > LONGEST_NAME ? `A name has at most ${LONGEST_NAME} characters.` : null;
}

/** 'Safari on iPhone · last seen 5 hours ago · added 3 months ago'. */
export function describeDevice(device: DeviceInfo, now: number): string {
  const platform = device.platform !== null && device.platform !== device.name ? device.platform : null;
  const seen = device.isCurrent ? 'in use now' : device.lastSeenAt === null ? 'never seen since' : `last seen ${relativeTime(device.lastSeenAt, now)}`;
  const line = [platform, seen, `added ${relativeTime(device.createdAt, now)}`].filter((part) => part !== null).join(' · ');
  return line.charAt(0).toUpperCase() + line.slice(1);
}

/** What a scanned code of a link begins with. */
const LINK_PREFIX = 'circle-link:';

export function isLinkCode(text: string): boolean {
  return text.startsWith(LINK_PREFIX);
}
