/** The own member key and device seal as rotations replace them (e2ee.md section 8). */
import { CircleFailure } from '../../errors';
import type { KeyBox, OwnKeys, SealBytes } from '../deviceKeeper';
import { equal, toHex, type Bytes } from '../protocol/bytes';
import { parseRecipients, type Recipient } from '../protocol/epoch';
import { activeDevices } from '../protocol/member';
import { isLiving, openMemberBox, type MemberKey, type MemberSecrets } from '../protocol/memberKey';
import type { Write } from '../../store/sealed';
import type { Context } from './context';
import { secretsOf, storeKeyring, withNextSeal, withSealPublished, withSecrets, type Keyring } from './keyring';
import type { EpochBytes, LinkBytes, Needs } from './wire';

const DAY = 86_400_000;
const WEEK = 7 * DAY;
/** A device whose seal is older gets no box and is linked again. */
export const SILENT = 45 * DAY;
/** Renewed long before, so that a device that is used now and then never comes to that. */
const RENEWED = 30 * DAY;

/** Stores a keyring, and only then uses it. */
export async function keepKeyring(context: Context, keyring: Keyring, others: Write[] = []): Promise<void> {
  await context.store.write([{ table: 'records', key: 'keyring', value: storeKeyring(keyring) }, ...others]);
  context.keyring = keyring;
}

/** `isShortLived`: whether a message of class 1 to 4 lives in a space of the member. */
export async function ownKeys({ keyring, people }: Context, isShortLived: () => Promise<boolean>): Promise<OwnKeys> {
  const { chain, key } = await people.get(keyring.member);
  const now = Date.now();
  const isHeld = key.generation <= keyring.secrets.generation;
  return {
    generation: keyring.secrets.generation,
    newest: key.generation,
    mustPublish: keyring.older.length > 0 || keyring.next !== null || (isHeld && now - keyring.sk.at > RENEWED),
    isRotationDue: isHeld && isLiving(chain, key) && (now - key.time >= WEEK || (now - key.time >= DAY && (await isShortLived()))),
    devices: activeDevices(chain).map(({ device }) => toHex(device)),
    device: toHex(keyring.device.device),
  };
}

/** Takes M of the newest generation from this device's box. Throws KEYS_OUTDATED, KEYS_WITHHELD, UNTRUSTED. */
export async function takeKey(context: Context, keyBox: KeyBox | null): Promise<boolean> {
  const { keyring, people } = context;
  const { key } = await people.get(keyring.member);
  if (key.generation <= keyring.secrets.generation) return false;
  if (keyBox === null || keyBox.generation < key.generation) throw leftOut(keyring, key);
  // A rotation since the chain was learned: the engine learns it and asks again.
  if (keyBox.generation > key.generation) throw new CircleFailure('KEYS_BEHIND', 'Another of your devices has just changed the keys. Please try again in a moment.');
  await keepKeyring(context, withSecrets(keyring, await openBox(keyring, key, keyBox)));
  return true;
}

/** Why there is no box: this device's seal was too old for one when the key was made, by the times that were signed, or not. */
function leftOut({ sk }: Keyring, { time }: MemberKey): CircleFailure {
  if (time - sk.at > SILENT) {
    return new CircleFailure('KEYS_OUTDATED', 'This device was away for more than 45 days and was not given your new keys. Please link it again.');
  }
  return new CircleFailure('KEYS_WITHHELD', 'This device was not given your new keys, although it was not away for long. Please link it again.');
}

async function openBox({ device, sk, next }: Keyring, key: MemberKey, { box }: KeyBox): Promise<MemberSecrets> {
  const tries = [{ key: sk.key, number: sk.k }];
  // A seal that the server has taken although its answer was lost.
  if (next !== null) tries.push({ key: next.key, number: sk.k + 1 });
  for (const one of tries) {
    const opened = await openMemberBox(one.key, { device: device.device, number: one.number }, key, box).catch(() => null);
    if (opened !== null) return opened;
  }
  throw new CircleFailure('UNTRUSTED', 'The box that the server hands out for this device does not open.');
}

/**
 * What an epoch asks for before it can be opened: the newest M, or what earlier ones opened. Returns the number of the
 * own link that it names, which another device may have added. Nothing is believed of it yet.
 */
export function needsOwn(keyring: Keyring, { seal, recipients, grants }: EpochBytes, needs: Pick<Needs, 'ownKey' | 'wraps'>): number {
  const { memberBytes, secrets, wraps } = keyring;
  const row = rowsOf(recipients).find(({ member }) => equal(member, memberBytes));
  // A seal that was handed out before a rotation has destroyed what opens it is no better than none.
  const opens = seal !== null && row !== undefined && secretsOf(keyring, row.generation) !== undefined;
  // No seal to the newest key that this device holds: a sibling's rotation has replaced it by wraps meanwhile.
  const isReplaced = row !== undefined && seal === null && row.generation === secrets.generation;
  const isNewer = [...(row ? [row] : []), ...grants].some(({ generation }) => generation > secrets.generation);
  if (isNewer || isReplaced) needs.ownKey = true;
  else if (!opens && secrets.generation > 1 && wraps.generation !== secrets.generation) needs.wraps = true;
  return row?.n ?? 0;
}

function rowsOf(recipients: Bytes): readonly Recipient[] {
  try {
    return parseRecipients(recipients);
  } catch {
    return [];
  }
}

/** The next device seal, kept before it is told: boxes may be made for it from then on. */
export async function nextSeal(context: Context, isWanted: boolean): Promise<SealBytes | null> {
  const { keyring } = context;
  if (!isWanted && keyring.older.length === 0 && keyring.next === null && Date.now() - keyring.sk.at <= RENEWED) return null;
  const made = await withNextSeal(keyring, Date.now());
  if (keyring.next === null) await keepKeyring(context, made);
  return { seal: made.next.seal, generation: made.secrets.generation };
}

/** On the server's answer alone: the old SK and every earlier M are destroyed. */
export async function sealPublished(context: Context, seal: LinkBytes): Promise<void> {
  const { next } = context.keyring;
  if (next !== null && equal(next.seal.body, seal.body)) await keepKeyring(context, withSealPublished(context.keyring));
}
