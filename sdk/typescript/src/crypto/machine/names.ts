/** The API's names for what the protocol numbers. */
import { Role, SpaceType } from '../protocol/roster';
import type { ConversationType, SpaceRole } from '../../types';

const ROLES: readonly SpaceRole[] = ['READER', 'WRITER', 'ADMIN', 'OWNER'];

export function roleName(role: Role): SpaceRole {
  return ROLES[role] ?? 'READER';
}

export function roleNumber(name: SpaceRole): Role {
  return { READER: Role.READER, WRITER: Role.WRITER, ADMIN: Role.ADMIN, OWNER: Role.OWNER }[name];
}

export function typeName(type: SpaceType): ConversationType {
  if (type === SpaceType.DIRECT) return 'DIRECT';
  return type === SpaceType.BROADCAST ? 'BROADCAST' : 'GROUP';
}

export function typeNumber(name: ConversationType): SpaceType {
  return { DIRECT: SpaceType.DIRECT, GROUP: SpaceType.GROUP, BROADCAST: SpaceType.BROADCAST }[name];
}
