/** This device's own keys: what it signs with, what opens what is sealed to it (e2ee.md section 3). */
import { asBytes, fromHex, toHex, type Bytes } from '../protocol/bytes';
import { makeDeviceSeal, memberSecrets, type MemberSecrets } from '../protocol/memberKey';
import { generateSealKey, sealKeyFromSeed, signingKeyFromSeed, type SealKey } from '../protocol/primitives';
import type { DeviceKey } from '../protocol/signer';
import type { LinkBytes } from './wire';
import { Wraps } from './wraps';

interface StoredSecret {
  generation: number;
  secret: Bytes;
}

/** As it lies in the store. The recovery key is on paper alone and never here. */
export interface StoredKeyring {
  member: string;
  device: string;
  dk: Bytes;
  /** `at`: the time in its device seal. */
  sk: { k: number; seed: Bytes; at?: number };
  m: StoredSecret;
  /** Earlier M, newest first, from a rotation until the next seal is published. */
  older?: StoredSecret[];
  next?: { seed: Bytes; at: number; seal: LinkBytes } | null;
}

/** SK of number k + 1, from when it is made until the server has taken its device seal. */
export interface NextSeal {
  readonly key: SealKey;
  readonly at: number;
  readonly seal: LinkBytes;
}

export interface Keyring {
  readonly member: string;
  readonly memberBytes: Bytes;
  readonly device: DeviceKey;
  readonly sk: { readonly k: number; readonly key: SealKey; readonly at: number };
  /** Of the newest M. */
  readonly secrets: MemberSecrets;
  /** Of earlier M that this device still holds: between a rotation and the publishing of the next seal. */
  readonly older: readonly MemberSecrets[];
  readonly next: NextSeal | null;
  /** What rotations carried over, as shown to the holder of the newest M; in memory alone. */
  readonly wraps: Wraps;
}

export async function openKeyring(stored: StoredKeyring): Promise<Keyring> {
  const memberBytes = fromHex(stored.member);
  const secretsOf = ({ generation, secret }: StoredSecret) => memberSecrets(memberBytes, generation, asBytes(secret));
  const next = stored.next ?? null;
  return {
    member: stored.member,
    memberBytes,
    device: { member: memberBytes, device: fromHex(stored.device), dk: await signingKeyFromSeed(asBytes(stored.dk)) },
    // A seal of unknown age counts as old: it is then renewed once.
    sk: { k: stored.sk.k, key: await sealKeyFromSeed(asBytes(stored.sk.seed)), at: stored.sk.at ?? 0 },
    secrets: await secretsOf(stored.m),
    older: await Promise.all((stored.older ?? []).map(secretsOf)),
    next: next === null ? null : { key: await sealKeyFromSeed(asBytes(next.seed)), at: next.at, seal: next.seal },
    wraps: new Wraps(),
  };
}

export function storeKeyring({ member, device, sk, secrets, older, next }: Keyring): StoredKeyring {
  const stored = ({ generation, m }: MemberSecrets): StoredSecret => ({ generation, secret: m });
  return {
    member,
    device: toHex(device.device),
    dk: device.dk.seed,
    sk: { k: sk.k, seed: sk.key.seed, at: sk.at },
    m: stored(secrets),
    older: older.map(stored),
    next: next === null ? null : { seed: next.key.seed, at: next.at, seal: next.seal },
  };
}

/** The keys of a generation, while M of it is held. */
export function secretsOf({ secrets, older }: Keyring, generation: number): MemberSecrets | undefined {
  return [secrets, ...older].find((one) => one.generation === generation);
}

/** With M of a newer generation; the earlier one stays until the next seal is published. */
export function withSecrets(keyring: Keyring, secrets: MemberSecrets): Keyring {
  return { ...keyring, secrets, older: [keyring.secrets, ...keyring.older], wraps: new Wraps() };
}

/** With a seal of number k + 1 to publish; the one that waits already, where there is one. */
export async function withNextSeal(keyring: Keyring, now: number): Promise<Keyring & { readonly next: NextSeal }> {
  if (keyring.next !== null) return { ...keyring, next: keyring.next };
  const key = await generateSealKey();
  const { body, signature } = await makeDeviceSeal(keyring.device, keyring.sk.k + 1, key.publicKey, now);
  return { ...keyring, next: { key, at: now, seal: { body, signature } } };
}

/** The next seal is published: the old SK and every earlier M are gone. */
export function withSealPublished(keyring: Keyring): Keyring {
  const { next, sk } = keyring;
  if (next === null) return keyring;
  return { ...keyring, sk: { k: sk.k + 1, key: next.key, at: next.at }, older: [], next: null };
}
