import { RevocationUnproven } from '../errors';

/** What the person is told about this device itself. */
export const NOTICES = {
  revoked: 'This device was removed from your account by another of your devices. What it held was deleted.',
  unproven: new RevocationUnproven().message,
  evicted: 'This browser has cleared what Circle kept in it, and your keys with it. Bring them back with another device or your recovery key.',
  outdated: 'This device was away for more than 45 days and was left out when your keys were renewed. Let it in again with another device or your recovery key.',
  unknown: 'The server does not know this browser as one of your devices any more. If you did not remove it, the server may have been restored from an older backup. Let it in again with another device or your recovery key.',
  withheld: 'This device was not given your new keys, although it was not away for long: the server withholds them, or the device that renewed them left this one out. Let it in again with another device or your recovery key.',
} as const;
