import type { PersonRecord, SpaceView } from '../../src/crypto';

/** A conversation of Ada's (`a`) and Bob's (`b`), as the machine shows one. */
export const viewOf = (changes: Partial<SpaceView> = {}): SpaceView => ({
  space: 's1', node: 'n1', type: 'GROUP', title: null, picture: null, isAccount: false,
  roster: [{ member: 'a', role: 'OWNER', changed: false }, { member: 'b', role: 'WRITER', changed: false }], role: 'OWNER',
  head: 5, oldest: 1, hasOlder: false, lastActivity: 10, read: 0, unread: 0, isMoreUnread: false, firstUnread: null, receipts: [],
  untold: { own: false, delivered: false, read: false }, alarm: null, due: false, epoch: 1, epochAt: 0, lifetime: 0, history: 'JOINING',
  owes: [], answers: [], answersLater: [], complains: null, keyless: 0, expires: null, renewsTitle: null, ...changes,
});

export const personOf = (id: string, displayName: string): PersonRecord => ({ id, node: `node-${id}`, handle: displayName.toLowerCase(), displayName, serverRole: 'MEMBER' });
