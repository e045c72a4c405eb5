/** The API's answers as the machine's plain data: base64 becomes bytes, members become hex ids. */
import { fromBase64, toBase64, toHex } from '../bytes';
import type { EpochBytes, EventBody, Identity, LinkBytes, LogEvent, MarkerBytes, MemberLinkBytes, PersonRecord } from '../crypto';
import type { EntryFieldsFragment, EpochFieldsFragment, EventFieldsFragment, MarkerFieldsFragment, PersonFieldsFragment } from '../gql/generated';
import type { Person } from '../types';

interface LinkText {
  body: string;
  signature: string;
}
interface MemberLinkText extends LinkText {
  cosignature?: string | null;
}

export function toPersonRecord(person: Omit<PersonFieldsFragment, '__typename'>): PersonRecord {
  return { id: toHex(fromBase64(person.protocolId)), node: person.id, handle: person.handle, displayName: person.displayName, serverRole: person.role };
}

export function toPerson(record: PersonRecord): Person {
  return { id: record.node, protocolId: record.id, handle: record.handle, displayName: record.displayName, serverRole: record.serverRole, verified: false };
}

export function toLink(link: LinkText): LinkBytes {
  return { body: fromBase64(link.body), signature: fromBase64(link.signature) };
}

export function toMemberLink(link: MemberLinkText): MemberLinkBytes {
  return { ...toLink(link), cosignature: link.cosignature ? fromBase64(link.cosignature) : null };
}

export function toIdentity(person: PersonRecord, links: MemberLinkText[], key: LinkText): Identity {
  return { person, links: links.map(toMemberLink), key: toLink(key) };
}

export function toEpoch(epoch: EpochFieldsFragment): EpochBytes {
  return {
    number: epoch.number,
    announcement: fromBase64(epoch.announcement),
    signature: fromBase64(epoch.signature),
    recipients: fromBase64(epoch.recipients),
    acceptedAt: Date.parse(epoch.acceptedAt),
    seal: epoch.seal ? fromBase64(epoch.seal) : null,
    grants: epoch.grants.map(({ id, grant, giver, generation }) => ({ id, grant: fromBase64(grant), giver: toHex(fromBase64(giver.protocolId)), generation })),
  };
}

/** The space whose log an entry is of. */
export type Place = Pick<LogEvent, 'space' | 'node' | 'isAccount'>;

export function placeOf({ id, protocolId }: { id: string; protocolId: string }, isAccount: boolean): Place {
  return { space: toHex(fromBase64(protocolId)), node: id, isAccount };
}

export function toLogEvent(event: EventFieldsFragment): LogEvent {
  return toEntry(event, placeOf(event.space, event.space.__typename === 'Account'));
}

export function toEntry(event: EntryFieldsFragment, place: Place): LogEvent {
  return {
    ...place,
    seq: event.seq,
    item: fromBase64(event.item),
    logHash: fromBase64(event.logHash),
    acceptedAt: Date.parse(event.acceptedAt),
    body: toBody(event),
  };
}

function toBody(event: EntryFieldsFragment): EventBody {
  switch (event.__typename) {
    case 'EnvelopeEvent':
      return { kind: 'envelope', envelope: event.envelope ? fromBase64(event.envelope) : null };
    case 'RosterEvent':
      return { kind: 'roster', ...toLink(event) };
    case 'EpochEvent':
      return { kind: 'epoch', announcement: fromBase64(event.announcement), signature: fromBase64(event.signature) };
    case 'ComplaintEvent':
      return { kind: 'complaint', ...toLink(event) };
    case 'MemberLinkEvent':
      return { kind: 'member', ...toMemberLink(event) };
  }
}

export function toMarker({ scope, version, envelope, acceptedAt, member, conversation }: MarkerFieldsFragment): MarkerBytes {
  return {
    space: toHex(fromBase64(conversation.protocolId)), node: conversation.id, member: toHex(fromBase64(member.protocolId)), scope, version,
    envelope: envelope ? fromBase64(envelope) : null, acceptedAt: Date.parse(acceptedAt),
  };
}

export function signedInput(link: LinkBytes): { body: string; signature: string } {
  return { body: toBase64(link.body), signature: toBase64(link.signature) };
}
