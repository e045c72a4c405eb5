/** What is stored of one conversation besides its roster links, epochs and items. */
import type { Bytes } from '../protocol/bytes';
import type { Head } from '../protocol/signer';
import type { Key } from '../../store/sealed';
import type { ConversationType, LifetimeClass, SpaceRole } from '../../types';
import type { Positions } from './positions';
import type { ItemBody, Notice } from './wire';

/** An entry of the log after which a new epoch is due: a roster link (n), a member's link (member, n), a complaint. */
export interface Mark {
  seq: number;
  member: string | null;
  n: number | null;
}

export interface SpaceRecord {
  space: string;
  node: string;
  createdAt: number;
  /** The newest roster as it is shown, so that the list of conversations needs no chain. */
  type: ConversationType;
  seats: { member: string; role: SpaceRole; identity?: Bytes }[];
  /** The member's own account space. */
  isAccount?: boolean;
  rosterHead?: Head;
  /** The stretch of the log that this device knows: from the entry `start` to the entry `head`, both included. */
  start: Head;
  head: Head;
  /** Where in the stretch each epoch was announced. */
  epochSeqs: [number, number][];
  marks: Mark[];
  current: Head | null;
  epochAt: number;
  due: boolean;
  /** Number of the newest epoch whose whole list was checked. */
  checked: number;
  /** Epochs whose own seal did not open and whose keys nobody has given yet: to be complained of at `next`. */
  lacking: { epoch: number; tries: number; next: number }[];
  /** Complaints go in rounds: when the next may begin, and after which pause. Absent until the first. */
  round?: { from: number; pause: number };
  /** Epochs without any key here that others, or an earlier rotation, may still give. */
  keyless: number[];
  title: string | null;
  picture: { bytes: Bytes; mediaType: string } | null;
  stateSeq: number;
  /** When title and picture expire, and when an owner seals them anew; null: they stay. */
  titleUntil: number | null;
  renewsTitle: number | null;
  /** Everything up to there was read by this member, on any device. */
  lastRead: number;
  /** Absent in what an earlier version has written. */
  positions?: Positions;
  lastActivity: number;
  /** The lowest seq of a kept item. */
  oldest: number;
  hasOlder: boolean;
  alarm: string | null;
  out: boolean;
  /** The policy's class and whether history is shared, as the newest roster has them. */
  lifetime: LifetimeClass;
  shared: boolean;
  /**
   * Keys to give: of an epoch that a member soundly complained of, or with epoch 0 earlier history to a newcomer.
   * `from` made that epoch, or added the newcomer; `now`: this device gives them at once; `at`: from then on, because
   * the own device that was to give them may be cut off.
   */
  owed: { member: string; epoch: number; from: string; now: boolean; at?: number }[];
  /** When something kept here expires next. */
  expires: number | null;
  /** The latest acceptance in the log, by the server's clock where that is not ahead of this device's. */
  reached: number;
  /** The highest entry of a message kept under each epoch; absent where that was not counted from the first. */
  under?: [number, number][];
  /** Own sends that the log must still show where the server said. */
  told: { seq: number; item: Bytes }[];
  /** Changes of identity that were noticed before the log told them: their own lines, until it does. */
  noticed?: { member: string; n: number; seq: number }[];
  /** Messages that only this device still has (a person's decision): id and where the line stands. */
  kept?: [string, number][];
  /** The head of a log that ended earlier than this device's, with the same entries up to there. */
  lost?: number | null;
  /** The server shows nothing of it any more, and the person went on with that. */
  isAbandoned?: boolean;
  /** Of the newest pin of another device that this one was found to agree with: its log hash. */
  boundBy?: string;
}

/** An epoch, verified. `branches` by class, null where this device has none. */
export interface EpochRecord {
  n: number;
  hash: Bytes;
  body: Bytes;
  signature: Bytes;
  recipients: Bytes;
  rosterN: number;
  acceptedAt: number;
  /** At the latest: 24 hours after acceptance, or when the next was accepted. */
  closesAt: number;
  /** Null also where the class's time is over. */
  branches: (Bytes | null)[];
  /** Why there are no branches, in plain words. */
  reason: string | null;
  /** Newest generation of the own M that a seal or grant of it is for; 0 where its keys come from the archive. */
  sealedTo?: number;
}

/** A line of the conversation as it is kept. */
export interface StoredItem {
  key: string;
  seq: number;
  time: number;
  sender: string | null;
  body: ItemBody;
  epoch: number;
  b: LifetimeClass;
  expiresAt: number | null;
}

/** A row of the log: the hash up to here and the entry's item. */
export interface LogRow {
  hash: Bytes;
  item: Bytes;
  /** Of an envelope whose header was seen and believed: its deadline, null where it stays. */
  until?: number | null;
}

/** What is remembered of an envelope by its id, for refs and repetitions. */
export interface EnvelopeRow {
  seq: number;
  kind: number;
  author: string;
  b: number;
}

/** An edit or deletion of a message that this device has not loaded yet. */
export interface LateChange {
  seq: number;
  what: 'edit' | 'delete';
  text: string;
  by: string;
  isAdmin: boolean;
  /** When its text expires; null: it stays. */
  until: number | null;
}

export const noticeItem = (seq: number, time: number, notice: Notice, epoch: number): StoredItem => ({
  key: `seq:${seq}`,
  seq,
  time,
  sender: notice.by,
  body: { kind: 'notice', notice },
  epoch,
  b: 0,
  expiresAt: null,
});

/** A moment as a part of a key, so that keys are in the order of time. */
const moment = (at: number) => String(Math.floor(at)).padStart(15, '0');


export const keys = {
  space: (space: string) => `space:${space}`,
  link: (space: string, n: number) => `roster:${space}:${String(n).padStart(9, '0')}`,
  links: (space: string): [string, string] => [`roster:${space}:`, `roster:${space};`],
  epoch: (space: string, n: number) => `epoch:${space}:${String(n).padStart(9, '0')}`,
  item: (space: string, item: Bytes): [string, string] => [space, `i:${Array.from(item, (byte) => byte.toString(16).padStart(2, '0')).join('')}`],
  envelope: (space: string, id: string): [string, string] => [space, `m:${id}`],
  own: (space: string, seq: number): [string, string] => [space, `o:${String(seq).padStart(12, '0')}`],
  late: (space: string, id: string): [string, string] => [space, `e:${id}`],
  due: (space: string, at: number, target: string) => `due:${space}:${moment(at)}:${target}`,
  /** From a moment to another, both included; null: no end. */
  dues: (space: string, from: number, to: number | null): [string, string] => [`due:${space}:${moment(from)}`, to === null ? `due:${space};` : `due:${space}:${moment(to)};`],
  dueAt: (key: Key) => Number(String(key).split(':')[2]),
};
