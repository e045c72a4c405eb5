/** Where this account is signed in: the list, and ending one. */
import { CircleFailure } from '../errors';
import * as gql from '../gql/generated';
import type { Http } from '../transport/http';
import type { SessionInfo } from '../types';
import { refuseErrors } from './api';

export class Sessions {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  async list(): Promise<SessionInfo[]> {
    const found: SessionInfo[] = [];
    let after: string | null = null;
    for (;;) {
      const { viewer }: gql.SessionsQuery = await this.#http.ask(gql.SessionsDocument, { after });
      if (!viewer) throw new CircleFailure('UNAUTHENTICATED', 'Please sign in again.');
      found.push(...viewer.sessions.nodes.map(toSession));
      if (!viewer.sessions.pageInfo.hasNextPage) return found;
      after = viewer.sessions.pageInfo.endCursor ?? null;
    }
  }

  async revoke(sessionId: string): Promise<void> {
    const { revokeSession } = await this.#http.once(gql.RevokeSessionDocument, { input: { sessionId } });
    refuseErrors(revokeSession.errors);
  }
}

function toSession(session: gql.SessionFieldsFragment): SessionInfo {
  return {
    id: session.id,
    label: session.label,
    deviceName: session.device?.name ?? null,
    createdAt: Date.parse(session.createdAt),
    lastSeenAt: Date.parse(session.lastSeenAt),
    isCurrent: session.isCurrent,
  };
}
