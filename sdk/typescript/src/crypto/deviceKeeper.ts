/**
 * What the engine may ask of the keeper about this member's devices: linking, recovery, reset, rotation, revocation
 * (e2ee.md section 8). Plain data: ids of members, devices and spaces are lower-case hex, everything else is bytes;
 * no secret goes out but words for the eyes of the person. The engine asks and tells the server in between.
 */
import type { Bytes } from './protocol/bytes';
import type { Identity, LinkBytes, MemberLinkBytes } from './machine/wire';

// ---- a device without keys

/** Where a new device keeps its keys: the member as signed in, the password's ticket (of `stretch`), a fresh database. */
export interface NewPlace {
  member: string;
  ticket: string;
  database: string;
}

/** The new device's id, and the wrapped store key to note down (an AccountRecord) before anything is sent. */
export interface NewDevice {
  device: string;
  wrapped: Bytes;
}

/** What `offerDevice` takes, and what the screen shows. */
export interface OfferBytes {
  linkId: Bytes;
  request: Bytes;
  mac: Bytes;
  /** Twelve. */
  words: string[];
  /** `circle-link:` and base64url of k. */
  qr: string;
}

/** What `recoverDevice` takes besides the name. */
export interface RecoveryBytes {
  link: MemberLinkBytes;
  seal: LinkBytes;
  box: Bytes;
  generation: number;
}

/** What a store holds whose device is not of the member's chain yet, as far as this device knows. */
export type Newcomer =
  | { how: 'link'; device: string; offer: OfferBytes }
  | { how: 'recovery'; device: string; request: RecoveryBytes }
  | { how: 'reset'; device: string; request: RotationBytes };

/** `Viewer.keyBox` or `Viewer.recoveryBox`. */
export interface KeyBox {
  generation: number;
  box: Bytes;
}

/** What a new device must see before it believes that it is in. */
export interface Entry {
  /** The own chain from link 0 and newest key, asked for after the server's answer. */
  identity: Identity;
  /** `Viewer.keyBox`; null when the server shows none. */
  keyBox: KeyBox | null;
  /** The linked device's answer; null for a recovery or a reset. */
  answer: { body: Bytes; mac: Bytes } | null;
  /** The account's log as the server shows it now. */
  account: { head: number; headHash: Bytes };
}

// ---- a linked device

/** A request that was checked: who shows the code. */
export interface CheckedOffer {
  device: string;
}

/** What `answerDevice` takes besides the link id. */
export interface AnswerBytes {
  device: string;
  link: MemberLinkBytes;
  seal: LinkBytes;
  box: Bytes;
  answer: Bytes;
  mac: Bytes;
  generation: number;
}

// ---- the own keys

export interface OwnKeys {
  /** Newest generation of M that this device holds. */
  generation: number;
  /** The newest that the own chain (as learned last) shows; above `generation`: fetch `keyBox` and call `takeKey`. */
  newest: number;
  /** A next device seal waits to be published: call `nextSeal`, publish it, call `sealPublished`. */
  mustPublish: boolean;
  /** A scheduled rotation is due: M is 7 days old, or 1 day while a message with a lifetime of up to 7 days lives, or opens very many epochs. */
  isRotationDue: boolean;
  /** Hex ids of the devices that the own chain names as active, oldest first. */
  devices: string[];
  /** This device. */
  device: string;
}

/** What `publishDeviceSeal` takes. */
export interface SealBytes {
  seal: LinkBytes;
  /** The newest generation that this device holds. */
  generation: number;
}

// ---- rotation

/** A device's seal as the server shows it (`Device.seal`, `Device.sealSignature`). */
export interface ShownSeal extends LinkBytes {
  device: string;
}

/** A row of `Viewer.rotationRequires`. */
export interface RequiredWrap {
  space: string;
  epoch: number;
  branch: number;
  announcement: Bytes | null;
  seal: Bytes | null;
}

/** A row of `Viewer.wraps`. */
export interface WrapBytes {
  space: string;
  epoch: number;
  branch: number;
  generation: number;
  wrap: Bytes;
}

/** A row of `Viewer.archive`. */
export interface ArchiveBytes {
  generation: number;
  wrap: Bytes;
}

export type RotationChange =
  | { what: 'revoke'; device: string }
  /** `key` is the ticket of `makeRecoveryKey`. */
  | { what: 'recovery'; key: string };

export interface RotationInput {
  seals: ShownSeal[];
  required: RequiredWrap[];
  /** Absent for a scheduled rotation. */
  change?: RotationChange;
  /** Devices that a refusal named (`RewrapIncompleteError.missingBoxes`): they get a box however old their seal is. */
  wanted?: string[];
  /** Grants were asked for in every conversation (`beforeRotation`), so that what nothing opens is left behind. */
  isThorough?: boolean;
}

/** What `rotateMemberKey` takes. */
export interface RotationBytes {
  link: MemberLinkBytes | null;
  /** The new device's, with a reset alone. */
  seal: LinkBytes | null;
  memberKey: LinkBytes;
  /** `device` is 16 raw bytes, zeros for the recovery key, whose `seal` is null. */
  boxes: { device: Bytes; seal: number | null; box: Bytes }[];
  /** Null with a reset. */
  archive: Bytes | null;
  wraps: { space: string; epoch: number; branch: number; wrap: Bytes }[];
  /** The server's ids of the grants that were looked at. Null with a reset, and where it shows none of those it names. */
  grants: string[] | null;
}

/** Every method may throw a CircleFailure with a plain sentence; its codes are named where the engine acts on them. */
export interface DeviceKeeper {
  // ---- a device without keys (phase 'no-keys'): everything is in the store before it can be sent

  /** Makes device keys and the request to be let in. Resume with `newcomer` after a restart. */
  makeOffer(place: NewPlace): Promise<NewDevice & { offer: OfferBytes }>;
  /**
   * Opens everything with the recovery key. `identity` is the own chain and newest key, `box` is `Viewer.recoveryBox`.
   * Throws BAD_WORDS (no 24 words of a Circle key), WRONG_RECOVERY_KEY (not this account's), UNTRUSTED (the server's doing).
   */
  makeRecovery(place: NewPlace & { words: string[]; identity: Identity; box: KeyBox }): Promise<NewDevice & { request: RecoveryBytes }>;
  /** Makes the keys of a new identity and its recovery key; nothing is stored before `confirmReset`. */
  makeReset(place: NewPlace): Promise<NewDevice & { words: string[] }>;
  /**
   * The reset's request on the own chain as it is now. After CHAIN_CONFLICT or GENERATION_CONFLICT of the server: call
   * it again with the chain learned anew.
   */
  confirmReset(identity: Identity): Promise<RotationBytes>;
  /** After `unlock` or `resumeBrowserSession`: what waits to be let in, null when the keys are there. Never throws LOCKED. */
  newcomer(): Promise<Newcomer | null>;
  /**
   * Becomes one of the member's devices, and keeps everything: from here on the keeper is as after `unlock`.
   * Throws NOT_LET_IN (the chain does not name this device yet: ask again or send the request again), BAD_LINK (the
   * answer was not made by the device that read this code), FORK (the server shows another history than the answer),
   * UNTRUSTED.
   */
  enter(entry: Entry): Promise<void>;
  /** Gives up: forgets the new device's keys and deletes its database. */
  dropNewcomer(): Promise<void>;

  // ---- letting a new device in

  /** The link id of twelve words, or of a scanned text. Throws BAD_WORDS. */
  readCode(code: string): Promise<Bytes>;
  /** Checks the request behind a code: MAC, member, device seal. Throws BAD_WORDS, BAD_LINK. */
  checkOffer(code: string, offer: { request: Bytes; mac: Bytes }): Promise<CheckedOffer>;
  /**
   * device.add, box and answer for a checked request, on the own chain as learned last. Throws as checkOffer,
   * KEYS_BEHIND (take the newest key first), FORBIDDEN (20 devices already, or a device that was used before).
   */
  answerOffer(code: string, offer: { request: Bytes; mac: Bytes }): Promise<AnswerBytes>;

  // ---- the own keys; learn the own identity (`learnIdentities`) before

  ownKeys(): Promise<OwnKeys>;
  /**
   * Takes M of the newest generation from this device's box. Nothing happens when it is held already. Throws
   * KEYS_OUTDATED or, where this device's seal was not too old for a box, KEYS_WITHHELD (null, or of an older generation
   * than the chain's: this device must be linked again), UNTRUSTED.
   */
  takeKey(keyBox: KeyBox | null): Promise<void>;
  /** The next device seal, the same until it is published; null when there is none to publish and none is wanted. */
  nextSeal(isWanted?: boolean): Promise<SealBytes | null>;
  /** The server has taken this seal (or shows it): the old SK and every older M are destroyed. */
  sealPublished(seal: LinkBytes): Promise<void>;
  /**
   * What rotations carried over. Ask when `Needs.wraps` is set, or when `makeRotation` throws WRAPS_NEEDED; kept in
   * memory until M changes.
   */
  learnWraps(archive: ArchiveBytes[], wraps: WrapBytes[]): Promise<void>;
  /** Members of whom a row of the newest epoch's list names another generation than is known: fetch `Member.keys`. */
  olderKeysNeeded(space: string): Promise<string[]>;
  /** Generations of a member's key, verified one by one; those that do not verify are left out. */
  learnMemberKeys(member: string, keys: LinkBytes[]): Promise<void>;

  // ---- rotation

  /**
   * Epochs to fetch (`learnEpoch`) before a rotation: what was granted goes with the old M, and can be carried over only
   * with its announcement. Ask again until there are none; what the server does not show is left out afterwards.
   * @param isThorough in every conversation, not only where grants are likely
   */
  beforeRotation(isThorough?: boolean): Promise<{ space: string; node: string; number: number }[]>;
  /**
   * The next generation for every device, with all that the old M opened, on the own chain as learned last. Nothing of
   * it is believed until the server's answer: afterwards learn the own identity, take the key from `keyBox`, publish
   * the next seal. The same way after a crash, and after a sibling was faster.
   * Throws KEYS_BEHIND (take the newest key first), WRAPS_NEEDED (`learnWraps` first), SEAL_OLD (publish
   * `nextSeal(true)` first, load the seals again), UNTRUSTED, NOT_FOUND (no such device), FORBIDDEN, TOO_MANY_KEYS.
   */
  makeRotation(input: RotationInput): Promise<RotationBytes>;
  /** A new recovery key, held in memory under a ticket until it is used by a rotation or the keeper is locked. */
  makeRecoveryKey(): Promise<{ key: string; words: string[] }>;
  /** Whether these are the words of the recovery key in force, by the own chain. */
  isRecoveryKey(words: string[]): Promise<boolean>;
  /**
   * After a reset: the roster link by which the member takes the new ID in their account space (docs/decisions/0011).
   * `links` are the account's roster links from 0, `epoch` is its newest epoch's announcement or null.
   */
  readmitAccount(space: string, links: LinkBytes[], epoch: Bytes | null): Promise<LinkBytes>;

  // ---- the end

  /**
   * Deletes everything of this device if the link is a true device.revoke of it, by what is known of the own chain;
   * false (and nothing happens) otherwise. Throws LOCKED.
   */
  wipe(proof: MemberLinkBytes): Promise<boolean>;
}
