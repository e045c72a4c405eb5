/** The API in the client's own terms: one method for each thing asked, failures as CircleFailure. */
import { fromBase64, fromHex, toBase64, toHex } from '../bytes';
import type { Bytes } from '../bytes';
import type { EpochBytes, EpochInputBytes, Identity, LinkBytes, LogEvent, NewConversation, PersonRecord, Snapshot } from '../crypto';
import { CircleFailure } from '../errors';
import * as gql from '../gql/generated';
import type { Http } from '../transport/http';
import { placeOf, signedInput, toEntry, toEpoch, toIdentity, toLink, toLogEvent, toMarker, toPersonRecord } from './convert';

/** Chains are long texts: this many members are asked for at once, so that a question stays cheap. */
const IDENTITIES_AT_ONCE = 15;
const GONE = new CircleFailure('NOT_FOUND', 'This conversation is no longer there for you.');

/** Throws the first of a payload's errors as a CircleFailure. */
export function refuseErrors(errors: gql.ErrorFieldsFragment[]): void {
  const [error] = errors;
  if (!error) return;
  switch (error.__typename) {
    case 'RateLimitedError':
      throw new CircleFailure(error.code, error.message, { retryAfter: error.retryAfter });
    case 'DirectExistsError':
      throw new CircleFailure(error.code, error.message, { detail: error.conversation.id });
    default:
      throw new CircleFailure(error.code, error.message);
  }
}

function epochInput(epoch: EpochInputBytes): gql.EpochInput {
  return {
    announcement: toBase64(epoch.announcement),
    signature: toBase64(epoch.signature),
    recipients: toBase64(epoch.recipients),
    seals: epoch.seals.map(toBase64),
  };
}

export interface EventPage {
  events: LogEvent[];
  /** The cursor to ask what came before with; null at the beginning. */
  before: string | null;
}

/** Spaces, chains and messages. Signing in and invites are in `session.ts` and `invites.ts`. */
export class Api {
  readonly http: Http;

  constructor(http: Http) {
    this.http = http;
  }

  async identities(members: string[]): Promise<Identity[]> {
    const found: Identity[] = [];
    for (let start = 0; start < members.length; start += IDENTITIES_AT_ONCE) {
      const protocolIds = members.slice(start, start + IDENTITIES_AT_ONCE).map((id) => toBase64(fromHex(id)));
      const { membersByProtocolId } = await this.http.ask(gql.IdentitiesDocument, { protocolIds });
      for (const member of membersByProtocolId) {
        if (member) found.push(await this.#identity(member));
      }
    }
    return found;
  }

  async #identity(member: gql.IdentityFieldsFragment): Promise<Identity> {
    const links: gql.LinkFieldsFragment[] = [...member.chain.nodes];
    let page = member.chain.pageInfo;
    while (page.hasNextPage) {
      const { node } = await this.http.ask(gql.MoreOfChainDocument, { id: member.id, after: page.endCursor ?? null });
      if (node?.__typename !== 'Member') break;
      links.push(...node.chain.nodes);
      page = node.chain.pageInfo;
    }
    return toIdentity(toPersonRecord(member), links, member.key);
  }

  async heads(): Promise<{ space: string; node: string; head: number; headHash: Bytes; isAccount: boolean }[]> {
    const found: { space: string; node: string; head: number; headHash: Bytes; isAccount: boolean }[] = [];
    let after: string | null = null;
    for (;;) {
      const { viewer }: gql.ConversationHeadsQuery = await this.http.ask(gql.ConversationHeadsDocument, { after });
      if (!viewer) throw new CircleFailure('UNAUTHENTICATED', 'Please sign in again.');
      if (after === null) found.push({ ...head(viewer.account), isAccount: true });
      found.push(...viewer.conversations.nodes.map((one) => ({ ...head(one), isAccount: false })));
      if (!viewer.conversations.pageInfo.hasNextPage) return found;
      after = viewer.conversations.pageInfo.endCursor ?? null;
    }
  }

  /** Throws NOT_FOUND when the viewer is no member of it (any more). */
  async snapshot(node: string): Promise<Snapshot & { before: string | null }> {
    const { conversation } = await this.http.ask(gql.SnapshotDocument, { id: node });
    if (!conversation) throw GONE;
    const rosterLinks: LinkBytes[] = conversation.rosterLinks.nodes.map(toLink);
    let page = conversation.rosterLinks.pageInfo;
    while (page.hasNextPage && rosterLinks.length <= conversation.rosterNumber) {
      const more: gql.MoreRosterLinksQuery = await this.http.ask(gql.MoreRosterLinksDocument, { id: node, after: page.endCursor ?? null });
      if (!more.conversation) throw GONE;
      rosterLinks.push(...more.conversation.rosterLinks.nodes.map(toLink));
      page = more.conversation.rosterLinks.pageInfo;
    }
    const { events } = conversation;
    const place = placeOf(conversation, false);
    return {
      ...head(conversation),
      createdAt: Date.parse(conversation.createdAt),
      due: conversation.epochDue !== null && conversation.epochDue !== undefined,
      // Links that were added while the later pages were read belong to later events.
      rosterLinks: rosterLinks.slice(0, conversation.rosterNumber + 1),
      epoch: conversation.currentEpoch ? toEpoch(conversation.currentEpoch) : null,
      state: conversation.state ? toLogEvent(conversation.state) : null,
      events: newestRun(events.nodes.map((event) => toEntry(event, place))),
      markers: [conversation.viewerMarker, ...conversation.markers].flatMap((one) => (one ? [toMarker(one)] : [])),
      before: events.pageInfo.hasPreviousPage ? (events.pageInfo.startCursor ?? null) : null,
    };
  }

  async epoch(node: string, number: number, isAccount = false): Promise<EpochBytes | null> {
    if (isAccount) {
      const { viewer } = await this.http.ask(gql.AccountEpochDocument, { number });
      return viewer?.account.epoch ? toEpoch(viewer.account.epoch) : null;
    }
    const { conversation } = await this.http.ask(gql.EpochByNumberDocument, { id: node, number });
    return conversation?.epoch ? toEpoch(conversation.epoch) : null;
  }

  async isEpochDue(node: string): Promise<boolean> {
    const { conversation } = await this.http.ask(gql.EpochDueDocument, { id: node });
    if (!conversation) throw GONE;
    return Boolean(conversation.epochDue);
  }

  async eventsBefore(node: string, before: string | null, isAccount = false): Promise<EventPage> {
    const space = isAccount
      ? (await this.http.ask(gql.AccountEventsBeforeDocument, { before })).viewer?.account
      : (await this.http.ask(gql.EventsBeforeDocument, { id: node, before })).conversation;
    if (!space) throw GONE;
    const place = placeOf(space, isAccount);
    const { nodes, pageInfo } = space.events;
    return { events: nodes.map((event) => toEntry(event, place)), before: pageInfo.hasPreviousPage ? (pageInfo.startCursor ?? null) : null };
  }

  async searchPeople(search: string): Promise<PersonRecord[]> {
    const { members } = await this.http.ask(gql.SearchPeopleDocument, { search });
    return members.nodes.map(toPersonRecord);
  }

  async peopleByNode(ids: string[]): Promise<PersonRecord[]> {
    const { nodes } = await this.http.ask(gql.PeopleByNodeDocument, { ids });
    return nodes.flatMap((node) => (node?.__typename === 'Member' ? [toPersonRecord(node)] : []));
  }

  async createConversation(made: NewConversation): Promise<string> {
    const { createConversation } = await this.http.once(gql.CreateConversationDocument, {
      input: { link: signedInput(made.link), epoch: epochInput(made.epoch), state: made.state ? toBase64(made.state) : null },
    });
    refuseErrors(createConversation.errors);
    if (!createConversation.conversation) throw new CircleFailure('SERVER', 'The server did not make the conversation. Please try again.');
    return createConversation.conversation.id;
  }

  async changeRoster(link: LinkBytes): Promise<void> {
    const { changeRoster } = await this.http.once(gql.ChangeRosterDocument, { input: { link: signedInput(link) } });
    refuseErrors(changeRoster.errors);
  }

  async announceEpoch(epoch: EpochInputBytes): Promise<void> {
    const { announceEpoch } = await this.http.once(gql.AnnounceEpochDocument, { input: { epoch: epochInput(epoch) } });
    refuseErrors(announceEpoch.errors);
  }

  /** Idempotent by the envelope's id: safe to ask again. Returns where the log holds it. */
  async sendMessage(envelope: Bytes): Promise<{ seq: number; item: Bytes }> {
    const { sendMessage } = await this.http.ask(gql.SendMessageDocument, { input: { envelope: toBase64(envelope) } });
    refuseErrors(sendMessage.errors);
    if (!sendMessage.event) throw new CircleFailure('SERVER', 'The server did not take the message. Please try again.');
    return { seq: sendMessage.event.seq, item: fromBase64(sendMessage.event.item) };
  }

  async complain(complaint: LinkBytes): Promise<void> {
    const { complain } = await this.http.ask(gql.ComplainDocument, { input: { complaint: signedInput(complaint) } });
    refuseErrors(complain.errors);
  }

  async grantEpochs(conversationId: string, memberId: string, generation: number, grant: Bytes): Promise<void> {
    const { grantEpochs } = await this.http.ask(gql.GrantEpochsDocument, { input: { conversationId, memberId, generation, grant: toBase64(grant) } });
    refuseErrors(grantEpochs.errors);
  }
}

/** What leads to the head without a gap: whoever was away and came back is shown both stays, and not what lies between. */
export function newestRun(events: LogEvent[]): LogEvent[] {
  const broken = events.findLastIndex(({ seq }, index) => index > 0 && seq !== (events[index - 1]?.seq ?? 0) + 1);
  return events.slice(Math.max(0, broken));
}

function head(space: { id: string; protocolId: string; head: number; headHash: string }): { space: string; node: string; head: number; headHash: Bytes } {
  return { space: toHex(fromBase64(space.protocolId)), node: space.id, head: space.head, headHash: fromBase64(space.headHash) };
}
