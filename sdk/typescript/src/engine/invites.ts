/** Invites: made here, used elsewhere, and proven by what only the link held (e2ee.md section 12). */
import { fromBase64, toBase64, toHex } from '../bytes';
import type { Keeper } from '../crypto';
import { CircleFailure } from '../errors';
import * as gql from '../gql/generated';
import type { Board } from '../state/board';
import type { InviteInfo } from '../types';
import type { Api } from './api';
import { refuseErrors } from './api';
import { toPersonRecord } from './convert';
import type { Learner } from './learner';

export class Invites {
  readonly #api: Api;
  readonly #keeper: Keeper;
  readonly #learner: Learner;
  readonly #board: Board;
  readonly #origin: string;

  constructor(parts: { api: Api; keeper: Keeper; learner: Learner; board: Board; origin: string }) {
    this.#api = parts.api;
    this.#keeper = parts.keeper;
    this.#learner = parts.learner;
    this.#board = parts.board;
    this.#origin = parts.origin;
  }

  async create(hours: number): Promise<{ url: string; expiresAt: number }> {
    if (!Number.isInteger(hours) || hours < 1 || hours > 720) throw new CircleFailure('INVALID', 'An invite is valid for 1 hour to 30 days.');
    const { fragment, tokenHash } = await this.#keeper.makeInvite();
    const { createInvite } = await this.#api.http.once(gql.CreateInviteDocument, {
      input: { tokenHash: toBase64(tokenHash), expiresInHours: hours, role: 'MEMBER' },
    });
    refuseErrors(createInvite.errors);
    if (!createInvite.invite) throw new CircleFailure('SERVER', 'The server did not make the invite. Please try again.');
    return { url: `${this.#origin}/join#${fragment}`, expiresAt: Date.parse(createInvite.invite.expiresAt) };
  }

  async list(): Promise<InviteInfo[]> {
    const invites = await this.#all();
    const proven = await this.#prove(invites);
    this.#board.meet(invites.flatMap(({ usedBy }) => (usedBy ? [toPersonRecord(usedBy)] : [])));
    return invites.map((invite, index) => ({
      id: invite.id,
      role: invite.role,
      createdAt: Date.parse(invite.createdAt),
      expiresAt: Date.parse(invite.expiresAt),
      usedBy: invite.usedBy ? this.#board.person(toPersonRecord(invite.usedBy).id) : null,
      status: status(invite),
      verified: proven[index] ?? null,
    }));
  }

  /** Pins those who used this device's invites since it last looked; a failure of the network does no harm. */
  async refresh(): Promise<void> {
    try {
      await this.#prove(await this.#all());
    } catch {
      // The first ID seen is trusted then, as for anybody without an invite of ours.
    }
  }

  async revoke(id: string): Promise<void> {
    const { revokeInvite } = await this.#api.http.once(gql.RevokeInviteDocument, { input: { inviteId: id } });
    refuseErrors(revokeInvite.errors);
  }

  async #all(): Promise<gql.InviteFieldsFragment[]> {
    const found: gql.InviteFieldsFragment[] = [];
    let after: string | null = null;
    for (;;) {
      const { viewer }: gql.InvitesQuery = await this.#api.http.ask(gql.InvitesDocument, { after });
      if (!viewer) throw new CircleFailure('UNAUTHENTICATED', 'Please sign in again.');
      found.push(...viewer.invites.nodes);
      if (!viewer.invites.pageInfo.hasNextPage) return found;
      after = viewer.invites.pageInfo.endCursor ?? null;
    }
  }

  /** In the order of the invites: proven, contradicted, or not to be told. */
  async #prove(invites: gql.InviteFieldsFragment[]): Promise<(boolean | null)[]> {
    const used = invites.flatMap(({ usedBy }) => (usedBy ? [toHex(fromBase64(usedBy.protocolId))] : []));
    await this.#learner.learnUnknown(used);
    return this.#keeper.verifyInvites(
      invites.map(({ tokenHash, mac, usedBy }) => ({
        tokenHash: fromBase64(tokenHash),
        mac: mac ? fromBase64(mac) : null,
        usedBy: usedBy ? toHex(fromBase64(usedBy.protocolId)) : null,
      })),
    );
  }
}

function status(invite: gql.InviteFieldsFragment): InviteInfo['status'] {
  if (invite.usedAt) return 'used';
  if (invite.revokedAt) return 'revoked';
  return Date.parse(invite.expiresAt) <= Date.now() ? 'expired' : 'open';
}
