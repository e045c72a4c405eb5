/** What the own M opens and a rotation must carry over: branches of epochs, by every way that this device has. */
import { CircleFailure } from '../../errors';
import type { RequiredWrap } from '../deviceKeeper';
import { checkBranch, CLASSES } from '../protocol/branches';
import { equal, fromHex, Z32, type Bytes } from '../protocol/bytes';
import { parseAnnouncement, type Announcement } from '../protocol/epoch';
import { openEpoch } from '../protocol/epochKeys';
import { sha256 } from '../protocol/primitives';
import type { GrantEntry } from '../protocol/grant';
import type { Head } from '../protocol/signer';
import type { Context } from './context';
import { grantedEntries } from './granted';
import type { Rooms } from './rooms';
import { keys, type EpochRecord, type StoredItem } from './spaceRecord';

/** A branch of an epoch of a space. */
export interface Place {
  space: string;
  epoch: number;
  branch: number;
}

interface Opened {
  epoch: Head;
  branches: ReadonlyMap<number, Bytes>;
}

/** Epochs opened once for all their branches. */
export class Carried {
  readonly #context: Context;
  readonly #opened = new Map<string, Opened | null>();

  constructor(context: Context) {
    this.#context = context;
  }

  /** Throws WRAPS_NEEDED where only wraps can still tell, and they were not shown yet. */
  async open(space: string, epoch: number, named: RequiredWrap | null): Promise<Opened | null> {
    const name = `${space}:${epoch}`;
    const known = this.#opened.get(name);
    if (known !== undefined && (named === null || known?.branches.has(named.branch))) return known;
    const opened = await this.#open(space, epoch, named);
    this.#opened.set(name, opened);
    return opened;
  }

  async #open(space: string, number: number, named: RequiredWrap | null): Promise<Opened | null> {
    const { store, keyring, offers } = this.#context;
    const record = (await store.get('records', keys.epoch(space, number))) as EpochRecord | undefined;
    const body = record?.body ?? named?.announcement ?? offers.get(space, number)?.announcement;
    const announced = body ? await parsed(body, space, number) : null;
    if (!announced) return null;
    const branches = new Map<number, Bytes>();
    for (const [b, key] of (record?.branches ?? []).entries()) if (key) branches.set(b, key);
    if (branches.size === CLASSES) return { epoch: announced.epoch, branches };
    for (const [b, key] of await this.#granted(space, announced)) branches.set(b, key);
    for (const [b, key] of await keyring.wraps.branchesOf(keyring.memberBytes, announced)) branches.set(b, key);
    if (named === null || branches.has(named.branch)) return { epoch: announced.epoch, branches };
    if (named.seal) for (const [b, key] of await this.#sealed(announced, named.seal)) branches.set(b, key);
    if (!branches.has(named.branch) && keyring.wraps.generation !== keyring.secrets.generation) {
      throw new CircleFailure('WRAPS_NEEDED', 'What earlier keys opened must be loaded first.');
    }
    return { epoch: announced.epoch, branches };
  }

  /** By the own seal. The list it belongs to may be out of sight; the commits prove what comes out of it. */
  async #sealed(announced: Announcement, seal: Bytes): Promise<[number, Bytes][]> {
    const { secrets, memberBytes } = this.#context.keyring;
    const row = { member: memberBytes, n: 0, hash: Z32, generation: secrets.generation, mkHash: secrets.mkHash, sealHash: await sha256(seal) };
    const branches = await openEpoch(announced, row, seal, secrets.mk).catch(() => []);
    return [...branches.entries()];
  }

  async #granted(space: string, announced: Announcement): Promise<[number, Bytes][]> {
    const found: [number, Bytes][] = [];
    for (const { epoch, branch, key } of await grantedEntries(this.#context, space)) {
      if (epoch !== announced.epoch.n) continue;
      const fits = await checkBranch(announced.space, epoch, branch, key, announced.commits).then(() => true, () => false);
      if (fits) found.push([branch, key]);
    }
    return found;
  }
}

async function parsed(body: Bytes, space: string, number: number): Promise<Announcement | null> {
  try {
    const announced = await parseAnnouncement(body);
    return equal(announced.space, fromHex(space)) && announced.epoch.n === number ? announced : null;
  } catch {
    return null;
  }
}

/**
 * What this device knows of its own that the old M opens, in the spaces where the member is: B_0 of epochs that no
 * rotation has put into the archive, everything of the newest epochs, what was granted, and the classes of lines that live.
 */
export async function knownPlaces(context: Context, rooms: Rooms): Promise<Place[]> {
  const { store, keyring } = context;
  const places: Place[] = [];
  for (const { space, current, out } of await rooms.records()) {
    if (out) continue;
    for (const { value } of await store.range('records', keys.epoch(space, 0), keys.epoch(space, 999_999_999))) {
      const { n, branches, sealedTo } = value as EpochRecord;
      const isNewest = n === current?.n;
      for (const [branch, key] of branches.entries()) {
        if (key && (branch === 0 ? (sealedTo ?? 1) >= keyring.secrets.generation : isNewest)) places.push({ space, epoch: n, branch });
      }
    }
    for (const { epoch, branch } of await granted(context, rooms, space)) places.push({ space, epoch, branch });
    for (const { epoch, b } of await livingLines(context, space)) places.push({ space, epoch, branch: b });
  }
  return places;
}

/** What grants hold that this member may read by the roster (e2ee.md section 6); more is not made lasting. */
async function granted(context: Context, rooms: Rooms, space: string): Promise<GrantEntry[]> {
  const entries = await grantedEntries(context, space);
  const roster = entries.length === 0 ? null : (await rooms.find(space))?.roster;
  if (!roster) return [];
  const joined = roster.joined.get(context.keyring.member) ?? 0;
  return entries.filter(({ epoch }) => roster.policy.shared || epoch > joined);
}

/** Lines kept here whose time is not over. */
export async function livingLines({ store }: Context, space: string, now = Date.now()): Promise<StoredItem[]> {
  const found: StoredItem[] = [];
  for (const { value } of await store.range('records', ...keys.dues(space, now, null))) {
    const target = value as { what: string; seq?: number };
    if (target.what !== 'line' || target.seq === undefined) continue;
    const item = (await store.get('items', [space, target.seq])) as StoredItem | undefined;
    if (item && item.b > 0 && item.epoch > 0 && item.expiresAt !== null && item.expiresAt > now) found.push(item);
  }
  return found;
}

/** Whether a message with a lifetime of class 1 to 4 is known to live in a space of the member. */
export async function hasShortLived(context: Context, rooms: Rooms): Promise<boolean> {
  for (const { space, out } of await rooms.records()) {
    if (!out && (await livingLines(context, space)).some(({ b }) => b >= 1 && b <= 4)) return true;
  }
  return false;
}

const LOAD = 'epochs-before';

/** With so many epochs since M was made it is renewed before its time, so that a rotation can carry them (docs/decisions/0084). */
export const CROWDED = 10_000;

async function epochCount(rooms: Pick<Rooms, 'records'>): Promise<number> {
  return (await rooms.records()).reduce((sum, { current, out }) => sum + (out ? 0 : (current?.n ?? 0)), 0);
}

/** Notes how many epochs there were before the newest M. */
export async function noteLoad({ store }: Pick<Context, 'store'>, rooms: Pick<Rooms, 'records'>): Promise<void> {
  await store.write([{ table: 'records', key: LOAD, value: await epochCount(rooms) }]);
}

/** Whether what the newest M opens has grown to half of what one rotation carries, at the most that it can be. */
export async function isCrowded({ store }: Pick<Context, 'store'>, rooms: Pick<Rooms, 'records'>): Promise<boolean> {
  const before = ((await store.get('records', LOAD)) as number | undefined) ?? 0;
  return (await epochCount(rooms)) - before >= CROWDED;
}

/**
 * Epochs whose announcements a rotation needs to carry over what was granted, and the newest ones, which bring new grants:
 * where those are likely, or everywhere.
 */
export async function beforeRotation(context: Context, rooms: Rooms, asked: Set<string>, isThorough: boolean): Promise<{ space: string; node: string; number: number }[]> {
  const { store, offers } = context;
  const wanted: { space: string; node: string; number: number }[] = [];
  for (const { space, node, current, out, isAccount, shared } of await rooms.records()) {
    if (out || isAccount === true || !current) continue;
    const newest = (await store.get('records', keys.epoch(space, current.n))) as EpochRecord | undefined;
    const mayBeGranted = isThorough || shared || newest?.branches.every((key) => key === null) !== false;
    const numbers = new Set((await granted(context, rooms, space)).map(({ epoch }) => epoch));
    if (mayBeGranted) numbers.add(current.n);
    for (const number of numbers) {
      const isKnown = number !== current.n && ((await store.get('records', keys.epoch(space, number))) !== undefined || offers.get(space, number) !== undefined);
      const name = `${space}:${number}`;
      if (isKnown || asked.has(name)) continue;
      asked.add(name);
      wanted.push({ space, node, number });
    }
  }
  return wanted;
}
