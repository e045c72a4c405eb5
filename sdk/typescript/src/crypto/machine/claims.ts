/** What signed structures say before anything is verified: only to know what must be fetched to verify them. */
import { toHex, type Bytes } from '../protocol/bytes';
import { peekHeader } from '../protocol/envelope';
import { parseAnnouncement } from '../protocol/epoch';
import { parseMemberLink } from '../protocol/member';
import { parseRosterLink } from '../protocol/roster';
import type { Signed } from '../protocol/signer';
import type { LogEvent } from './wire';

export interface Claims {
  /** Members and the least number of their chain's head that is needed. */
  members: [string, number][];
  epochs: number[];
}

const NOTHING: Claims = { members: [], epochs: [] };

/** All members that roster links name, and their signers. Unreadable links name nobody. */
export function membersOfLinks(links: readonly Pick<Signed, 'body'>[]): Set<string> {
  return new Set(links.flatMap(({ body }) => claimsOfLink(body).map(([member]) => member)));
}

export function claimsOfLink(body: Bytes): [string, number][] {
  try {
    const { signer, statement } = parseRosterLink(body);
    const named: [string, number][] = [[toHex(signer.member), signer.n]];
    if (statement.kind === 0) named.push(...statement.seats.map(({ member }): [string, number] => [toHex(member), 0]));
    else if (statement.kind !== 4) named.push([toHex(statement.member), 0]);
    return named;
  } catch {
    return [];
  }
}

export async function claimsOfAnnouncement(body: Bytes): Promise<Claims> {
  try {
    const { creator, epoch } = await parseAnnouncement(body);
    return { members: [[toHex(creator.member), creator.n]], epochs: [epoch.n] };
  } catch {
    return NOTHING;
  }
}

export async function claimsOf({ body }: LogEvent): Promise<Claims> {
  switch (body.kind) {
    case 'envelope': {
      if (!body.envelope) return NOTHING;
      try {
        const { member, n, epoch } = peekHeader(body.envelope);
        return { members: [[toHex(member), n]], epochs: [epoch.n] };
      } catch {
        return NOTHING;
      }
    }
    case 'roster':
      return { members: claimsOfLink(body.body), epochs: [] };
    case 'epoch':
      return claimsOfAnnouncement(body.announcement);
    case 'complaint':
      return NOTHING;
    case 'member':
      try {
        const { member, n } = parseMemberLink(body.body);
        // It follows the link before it, which no log tells where it let a device in.
        return { members: [[toHex(member), Math.max(0, n - 1)]], epochs: [] };
      } catch {
        return NOTHING;
      }
  }
}
