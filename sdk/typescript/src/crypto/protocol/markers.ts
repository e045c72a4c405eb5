/**
 * What markers hold, envelopes of kind 5: how far a member has read and received (docs/decisions/0112). They are no
 * entries of a log. OWN lies in the member's account space, for the member's own devices; RECEIPT in the conversation,
 * for its members. Unknown keys are ignored, as in every content.
 */
import type { Bytes } from './bytes';
import type { Value } from './cbor';
import type { Content } from './envelope';
import { demand } from './errors';

const SHAPE = 'The content has not the shape of its kind.';
const ID = 16;

/** The member has read everything of the conversation `space` up to `read`. */
export interface OwnMarker {
  readonly space: Bytes;
  readonly read: number;
}

/** The member has received everything up to `delivered` and read everything up to `read`; null: not said. */
export interface ReceiptMarker {
  readonly delivered: number | null;
  readonly read: number | null;
}

function seq(content: Content, key: number): number {
  const value = content.get(key);
  demand(typeof value === 'number' && Number.isSafeInteger(value) && value >= 0, 'envelope', 'UNREADABLE', SHAPE);
  return value;
}

/** Content of kind 5 in an account space. */
export function ownContent({ space, read }: OwnMarker): Content {
  return new Map<number, Value>([[0, space], [1, read]]);
}

/** @throws {ProtocolError} envelope/UNREADABLE */
export function readOwn(content: Content): OwnMarker {
  const space = content.get(0);
  demand(space instanceof Uint8Array && space.length === ID, 'envelope', 'UNREADABLE', SHAPE);
  return { space, read: seq(content, 1) };
}

/** Content of kind 5 in a conversation; what is not said is left out. */
export function receiptContent({ delivered, read }: ReceiptMarker): Content {
  const content = new Map<number, Value>();
  if (delivered !== null) content.set(0, delivered);
  if (read !== null) content.set(1, read);
  return content;
}

/** @throws {ProtocolError} envelope/UNREADABLE */
export function readReceipt(content: Content): ReceiptMarker {
  return { delivered: content.has(0) ? seq(content, 0) : null, read: content.has(1) ? seq(content, 1) : null };
}
