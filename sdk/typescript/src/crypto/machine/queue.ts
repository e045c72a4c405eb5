/** What waits to be sent: kept sealed in the store until the server has taken it, always under the same id. */
import { CircleFailure } from '../../errors';
import { fromHex, toHex, type Bytes } from '../protocol/bytes';
import { decode } from '../protocol/cbor';
import { messageContent, stateContent } from '../protocol/contents';
import { EnvelopeKind, makeEnvelopeId, sealEnvelope, type Content } from '../protocol/envelope';
import { randomBytes } from '../protocol/primitives';
import type { Context } from './context';
import type { LifetimeClass } from '../../types';
import { ownSigner } from './maker';
import { waitsUntil } from './expiry';
import { clampLifetime } from './policy';
import type { Space } from './space';
import type { ItemView, Pending } from './wire';

const DAY = 86_400_000;
/** The server refuses ids that are 14 days old; a little before that the message is the person's to send again. */
const OLDEST = 13 * DAY;

export type QueuedContent =
  | { kind: typeof EnvelopeKind.MESSAGE; text: string }
  | { kind: typeof EnvelopeKind.STATE; title: string; picture: { bytes: Bytes; mediaType: string } | null }
  /** For the account's space. */
  | { kind: typeof EnvelopeKind.STATE; account: Bytes; what: 'pins' | 'mark' };

export interface Queued {
  key: string;
  space: string;
  node: string;
  order: number;
  time: number;
  content: QueuedContent;
  envelope: Bytes | null;
  /** Number of the epoch that the envelope is sealed under. */
  epoch: number;
  /** Of the envelope: its class, and its hash as the log will name it; null before it is sealed. */
  b: LifetimeClass | null;
  item: Bytes | null;
  state: 'sending' | 'failed';
  error: string | null;
  /** As chosen; null: as the policy says when it is sealed. */
  lifetime: LifetimeClass | null;
}

export function newQueued(space: Space, content: QueuedContent, order: number, now: number, lifetime?: LifetimeClass): Queued {
  const key = toHex(makeEnvelopeId(now, randomBytes(10)));
  contentOf(content);
  return { key, space: space.id, node: space.record.node, order, time: now, content, envelope: null, epoch: 0, b: null, item: null, state: 'sending', error: null, lifetime: lifetime ?? null };
}

function contentOf(content: QueuedContent): Content {
  if (content.kind === EnvelopeKind.MESSAGE) return messageContent(content.text);
  return 'account' in content ? decode(content.account) as Content : stateContent({ title: content.title, picture: content.picture });
}

/** Seals under the newest epoch. Throws NO_KEY, TOO_OLD or a ProtocolError. */
export async function sealQueued(context: Context, space: Space, queued: Queued): Promise<{ envelope: Bytes; epoch: number; b: LifetimeClass; item: Bytes }> {
  if (Date.now() - queued.time > OLDEST) throw new CircleFailure('TOO_OLD', 'This message waited too long to be sent. Please send it again.');
  const epoch = await space.current();
  const b = clampLifetime(queued.lifetime, space.policyClass);
  const branch = epoch?.branches[b];
  if (!epoch || !branch) throw new CircleFailure('NO_KEY', epoch?.reason ?? 'This device was not given the keys of this conversation.');
  const signer = await ownSigner(context);
  const header = {
    space: space.bytes, epoch: { n: epoch.n, hash: epoch.hash }, id: fromHex(queued.key), member: signer.member, device: signer.device, n: signer.n,
    seen: space.head, kind: queued.content.kind, ref: null, b, time: queued.time,
  };
  const { bytes, item } = await sealEnvelope(header, contentOf(queued.content), branch, context.keyring.device.dk);
  return { envelope: bytes, epoch: epoch.n, b, item };
}

export function pendingOf({ key, space, node, state, content, error }: Queued): Pending {
  return { key, space, node, kind: content.kind === EnvelopeKind.STATE ? 'state' : 'text', state, error };
}

/** A queued message as a line; a queued title has none. */
export function queuedItem(queued: Queued, me: string, policy: LifetimeClass): ItemView[] {
  if (queued.content.kind !== EnvelopeKind.MESSAGE) return [];
  return [
    {
      key: queued.key, seq: null, time: queued.time, sender: me, body: { kind: 'text', text: queued.content.text }, state: queued.state,
      lifetime: queued.b ?? clampLifetime(queued.lifetime, policy), expiresAt: waitsUntil(policy, queued),
      ...(queued.error === null ? {} : { error: queued.error }),
    },
  ];
}
