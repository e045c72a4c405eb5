/** What envelopes of each kind hold (docs/decisions/0005): makers, and readers that ignore unknown keys. Kind 5: `markers`. */
import type { Bytes } from './bytes';
import type { Value } from './cbor';
import type { Content } from './envelope';
import { demand } from './errors';

/** Caps; lengths of text are in characters (code points). */
export const TEXT_CAP = 16_000;
export const TITLE_CAP = 120;
export const EMOJI_CAP = 64;
export const PICTURE_CAP = 65_536;
export const MEDIA_TYPE_CAP = 100;

const SHAPE = 'The content has not the shape of its kind.';

function text(value: Value | undefined, cap: number): string {
  demand(typeof value === 'string' && (value.length <= cap || Array.from(value).length <= cap), 'envelope', 'UNREADABLE', SHAPE);
  return value;
}

/** Content of kinds 1 (message) and 2 (edit). @throws {ProtocolError} envelope/UNREADABLE above 16,000 characters */
export function messageContent(body: string): Content {
  return new Map([[0, text(body, TEXT_CAP)]]);
}

/** The text of kinds 1 and 2. @throws {ProtocolError} envelope/UNREADABLE */
export function readMessage(content: Content): string {
  return text(content.get(0), TEXT_CAP);
}

/** Content of kind 3: the ref says all. */
export function deleteContent(): Content {
  return new Map();
}

/** Content of kind 4. @throws {ProtocolError} envelope/UNREADABLE above 64 characters */
export function reactionContent(emoji: string): Content {
  return new Map([[0, text(emoji, EMOJI_CAP)]]);
}

/** The emoji of kind 4. @throws {ProtocolError} envelope/UNREADABLE */
export function readReaction(content: Content): string {
  return text(content.get(0), EMOJI_CAP);
}

/** Title and picture of a conversation, kind 8. */
export interface StateContent {
  readonly title: string;
  readonly picture: { readonly bytes: Bytes; readonly mediaType: string } | null;
}

/** @throws {ProtocolError} envelope/UNREADABLE where title or picture are too long */
export function stateContent(state: StateContent): Content {
  const content = new Map<number, Value>([
    [0, state.title],
    [1, state.picture?.bytes ?? null],
    [2, state.picture?.mediaType ?? null],
  ]);
  readState(content);
  return content;
}

/** @throws {ProtocolError} envelope/UNREADABLE */
export function readState(content: Content): StateContent {
  const title = text(content.get(0), TITLE_CAP);
  const [picture = null, mediaType = null] = [content.get(1), content.get(2)];
  if (picture === null && mediaType === null) return { title, picture: null };
  demand(picture instanceof Uint8Array && picture.length <= PICTURE_CAP, 'envelope', 'UNREADABLE', SHAPE);
  return { title, picture: { bytes: picture, mediaType: text(mediaType, MEDIA_TYPE_CAP) } };
}
