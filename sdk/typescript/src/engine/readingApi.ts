/** The API's part that has to do with reading, typing and presence, in the client's own terms. */
import { toBase64 } from '../bytes';
import type { MadeMarker, MarkerBytes } from '../crypto';
import { CircleFailure } from '../errors';
import * as gql from '../gql/generated';
import type { Http } from '../transport/http';
import type { PresenceState, PrivacySettings } from '../types';
import { refuseErrors } from './api';
import { toMarker } from './convert';

/** Another marker is stored than the one that was to be replaced. */
export class MarkerConflict extends CircleFailure {
  readonly current: MarkerBytes;

  constructor(message: string, current: MarkerBytes) {
    super('MARKER_CONFLICT', message);
    this.current = current;
  }
}

export class ReadingApi {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** All receipts, and the own markers, in all conversations. */
  async markers(): Promise<MarkerBytes[]> {
    const found: MarkerBytes[] = [];
    let after: string | null = null;
    for (;;) {
      const { viewer }: gql.MarkersQuery = await this.#http.ask(gql.MarkersDocument, { after });
      if (!viewer) throw new CircleFailure('UNAUTHENTICATED', 'Please sign in again.');
      for (const { viewerMarker, markers } of viewer.conversations.nodes) {
        found.push(...[viewerMarker, ...markers].flatMap((one) => (one ? [toMarker(one)] : [])));
      }
      if (!viewer.conversations.pageInfo.hasNextPage) return found;
      after = viewer.conversations.pageInfo.endCursor ?? null;
    }
  }

  /** Idempotent by the envelope: safe to ask again. Returns the stored version; throws MarkerConflict. */
  async setMarker(conversationId: string, { scope, version, envelope }: MadeMarker): Promise<number> {
    const { setMarker } = await this.#http.ask(gql.SetMarkerDocument, { input: { conversationId, scope, version, envelope: toBase64(envelope) } });
    const [error] = setMarker.errors;
    if (error?.__typename === 'MarkerConflictError') throw new MarkerConflict(error.message, toMarker(error.current));
    refuseErrors(setMarker.errors);
    if (!setMarker.marker) throw new CircleFailure('SERVER', 'The server did not take the mark. It is set again.');
    return setMarker.marker.version;
  }

  async privacy(): Promise<PrivacySettings> {
    const { viewer } = await this.#http.ask(gql.PrivacyDocument, {});
    if (!viewer) throw new CircleFailure('UNAUTHENTICATED', 'Please sign in again.');
    return viewer.privacy;
  }

  async setPrivacy(change: Partial<PrivacySettings>): Promise<PrivacySettings> {
    const { setPrivacy } = await this.#http.ask(gql.SetPrivacyDocument, { input: change });
    refuseErrors(setPrivacy.errors);
    if (!setPrivacy.privacy) throw new CircleFailure('SERVER', 'The server did not take the change. Please try again.');
    return setPrivacy.privacy;
  }

  async setTyping(conversationId: string, typing: boolean): Promise<void> {
    const { setTyping } = await this.#http.once(gql.SetTypingDocument, { input: { conversationId, typing } });
    refuseErrors(setTyping.errors);
  }

  async setPresence(state: PresenceState): Promise<void> {
    const { setPresence } = await this.#http.once(gql.SetPresenceDocument, { input: { state } });
    refuseErrors(setPresence.errors);
  }
}
