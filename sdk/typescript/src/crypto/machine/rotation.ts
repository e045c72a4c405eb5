/** Making a rotation of M: a new one for every device, with all that the old one opened (e2ee.md sections 4 and 8). */
import { CircleFailure } from '../../errors';
import type { RequiredWrap, RotationBytes, RotationChange, RotationInput, ShownSeal } from '../deviceKeeper';
import { equal, fromHex, toHex, Z16, type Bytes } from '../protocol/bytes';
import { ProtocolError } from '../protocol/errors';
import { activeDevices, deviceAt, followMember, makeMemberLink, MemberKind, type MemberChain } from '../protocol/member';
import { generateMemberSecrets, makeMemberKey, parseDeviceSeal, sealMemberBox, verifyDeviceSeal, type DeviceSeal, type MemberSecrets } from '../protocol/memberKey';
import { sha256 } from '../protocol/primitives';
import { wrapArchive, wrapBranch } from '../protocol/rewrap';
import type { RecoveryKeys } from '../protocol/words';
import type { Context } from './context';
import type { Carried, Place } from './carrying';
import { ownNewest } from './linking';
import { SILENT } from './ownKeys';
import type { MemberLinkBytes } from './wire';

const SEALS = 'device-seals';
/** The server takes no more in one rotation (docs/decisions/0071, 0084). */
const MOST_WRAPS = 20_000;
const TOO_MANY =
  'Your keys are too many to be changed in one step, because none of your devices was online for very long. What is here stays readable; only beginning anew makes new keys.';
/** In the place of a wrap of 32 bytes: nothing opened this. The server goes on asking for it (docs/decisions/0092). */
const NOTHING = new Uint8Array(48);

type KnownSeals = Record<string, { k: number; hash: Bytes }>;

export interface MakeRotation extends RotationInput {
  /** Keys of a new recovery key by its ticket. */
  recoveryKeys: ReadonlyMap<string, RecoveryKeys>;
  /** What this device itself knows to be opened by the old M, besides what the server requires. */
  known: readonly Place[];
  carried: Carried;
}

export async function makeRotation(context: Context, input: MakeRotation): Promise<RotationBytes> {
  const { keyring } = context;
  const { chain, secrets } = await ownNewest(context);
  const now = Date.now();
  const { link, after } = await changed(context, chain, input, now);
  const next = await generateMemberSecrets(keyring.memberBytes, secrets.generation + 1);
  return {
    link,
    seal: null,
    memberKey: await makeMemberKey(after, next, keyring.device, now),
    boxes: await boxesFor(context, after, next, input, now),
    archive: await wrapArchive(next, secrets),
    wraps: await wrapsOf(next, input),
    grants: context.offers.grantIds(secrets.generation),
  };
}

// ---- the chain's own change

async function changed({ keyring }: Context, chain: MemberChain, { change, recoveryKeys }: MakeRotation, now: number): Promise<{ link: MemberLinkBytes | null; after: MemberChain }> {
  if (!change) return { link: null, after: chain };
  const { device, dk } = keyring.device;
  const { statement, cosigner } = stated(chain, change, recoveryKeys);
  const link = await makeMemberLink(chain, keyring.memberBytes, statement, { device, key: dk, ...(cosigner ? { cosigner } : {}) }, now);
  return { link, after: await followMember(chain, link) };
}

function stated(chain: MemberChain, change: RotationChange, recoveryKeys: ReadonlyMap<string, RecoveryKeys>) {
  if (change.what === 'revoke') {
    const device = fromHex(change.device);
    if (!deviceAt(chain, device)) throw new CircleFailure('NOT_FOUND', 'This device is no longer one of yours.');
    return { statement: { kind: MemberKind.DEVICE_REVOKE, device }, cosigner: null };
  }
  const keys = recoveryKeys.get(change.key);
  if (!keys) throw new CircleFailure('INVALID', 'This new recovery key is no longer open. Please start again.');
  return { statement: { kind: MemberKind.RECOVERY, rs: keys.rs.publicKey, rx: keys.rx.publicKey }, cosigner: keys.rs };
}

// ---- boxes

async function boxesFor(context: Context, after: MemberChain, next: MemberSecrets, input: MakeRotation, now: number): Promise<RotationBytes['boxes']> {
  const known = ((await context.store.get('records', SEALS)) as KnownSeals | undefined) ?? {};
  const seen: KnownSeals = {};
  const boxes: RotationBytes['boxes'] = [];
  for (const { device, dk } of activeDevices(after)) {
    const id = toHex(device);
    const seal = await sealOf(context, id, dk, input.seals, known[id]);
    seen[id] = { k: seal.k, hash: await sha256(seal.sk) };
    const isSilent = now - seal.time > SILENT && !input.wanted?.includes(id);
    if (isSilent && equal(device, context.keyring.device.device)) {
      throw new CircleFailure('SEAL_OLD', 'This device was away for long: it publishes a new key of its own first.');
    }
    if (!isSilent) boxes.push({ device, seal: seal.k, box: await sealMemberBox(seal.sk, { device, number: seal.k }, next) });
  }
  await context.store.write([{ table: 'records', key: SEALS, value: seen }]);
  boxes.push({ device: Z16, seal: null, box: await sealMemberBox(after.rx, { device: null, number: after.rxN }, next) });
  return boxes;
}

/** A device's newest seal, verified; it may not go back, nor be another of the same number. */
async function sealOf({ keyring }: Context, id: string, dk: Bytes, seals: readonly ShownSeal[], known: KnownSeals[string] | undefined): Promise<DeviceSeal> {
  const shown = seals.find(({ device }) => device === id);
  // A device that was linked or ended between two questions.
  if (!shown) throw new CircleFailure('KEYS_BEHIND', 'Your devices have just changed. Please try again in a moment.');
  try {
    const seal = await verifyDeviceSeal(keyring.memberBytes, fromHex(id), dk, shown, known ?? null);
    const isOther = known !== undefined && seal.k === known.k && !equal(await sha256(seal.sk), known.hash);
    if (isOther || (id === toHex(keyring.device.device) && !isOwn(seal, keyring))) throw untrusted('One of them was shown differently before.');
    return seal;
  } catch (error) {
    throw error instanceof ProtocolError ? untrusted(error.message) : error;
  }
}

/** The seal that this device has published, or the next one, where only the answer was lost. */
function isOwn({ k, sk }: DeviceSeal, keyring: Context['keyring']): boolean {
  const { next } = keyring;
  if (k === keyring.sk.k) return equal(sk, keyring.sk.key.publicKey);
  return next !== null && k === parseDeviceSeal(next.seal.body).k && equal(sk, next.key.publicKey);
}

function untrusted(what: string): CircleFailure {
  return new CircleFailure('UNTRUSTED', `The keys that the server shows for your devices do not verify. ${what}`);
}

// ---- what is carried over

async function wrapsOf(next: MemberSecrets, { required, known, carried, isThorough }: MakeRotation): Promise<RotationBytes['wraps']> {
  const places = new Map<string, Place & { named: RequiredWrap | null }>();
  for (const place of known) places.set(nameOf(place), { ...place, named: null });
  for (const named of required) places.set(nameOf(named), { space: named.space, epoch: named.epoch, branch: named.branch, named });
  if (places.size > MOST_WRAPS) throw new CircleFailure('TOO_MANY_KEYS', TOO_MANY);
  const wraps: RotationBytes['wraps'] = [];
  for (const [, { space, epoch, branch, named }] of [...places].sort(([one], [other]) => (one < other ? -1 : 1))) {
    const opened = await carried.open(space, epoch, named);
    const key = opened?.branches.get(branch);
    if (opened && key) wraps.push({ space, epoch, branch, wrap: await wrapBranch(next, { space: fromHex(space), epoch: opened.epoch, branch }, key) });
    else if (named && isThorough !== true) throw new CircleFailure('GRANTS_NEEDED', 'What members have given must be loaded first.');
    // One bad seal must not keep the key from being renewed, as when a stolen device is to be ended.
    else if (named) wraps.push({ space, epoch, branch, wrap: NOTHING });
  }
  return wraps;
}

function nameOf({ space, epoch, branch }: Place): string {
  return `${space}:${String(epoch).padStart(12, '0')}:${branch}`;
}
