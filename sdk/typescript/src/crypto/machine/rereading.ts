/** The account's log once more, when keys have come that were not there at the first reading. */
import { decode } from '../protocol/cbor';
import { EnvelopeKind, type Content } from '../protocol/envelope';
import { MemberKind, parseMemberLink } from '../protocol/member';
import { takeAccountEntry } from './accountSpace';
import type { Context } from './context';
import type { Draft } from './draft';
import { judge } from './judge';
import type { Queued } from './queue';
import type { Space } from './space';
import type { LogEvent } from './wire';

/** In the order of the log, from its beginning; what waits to be written comes last, as it will in the log. */
export async function rereadAccount(space: Space, draft: Draft, context: Context, events: readonly LogEvent[], waiting: readonly Queued[]): Promise<void> {
  for (const event of events) {
    if (event.body.kind === 'envelope' && event.body.envelope !== null) await takeAgain(space, draft, context, event, event.body.envelope);
    if (event.body.kind !== 'member') continue;
    const { statement } = parseMemberLink(event.body.body);
    if (statement.kind !== MemberKind.DEVICE_REVOKE) for (const write of context.account.take({ what: 'confirmed', confirmed: false })) draft.add(write);
  }
  for (const { content } of waiting) if ('account' in content) await takeAccountEntry(draft, context, decode(content.account) as Content);
}

async function takeAgain(space: Space, draft: Draft, context: Context, event: LogEvent, bytes: NonNullable<Parameters<typeof judge>[4]>): Promise<void> {
  try {
    const { header, content } = await judge(space, draft, context.people, event, bytes);
    if (header.kind === EnvelopeKind.STATE && content !== null) await takeAccountEntry(draft, context, content);
  } catch {
    // Still not to be read, or never to be believed.
  }
}
