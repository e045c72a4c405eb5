/** This device's own keys: what it signs with, what opens what is sealed to it. */
import { asBytes, fromHex, toHex, type Bytes } from '../protocol/bytes';
import { memberSecrets, type MemberSecrets } from '../protocol/memberKey';
import { sealKeyFromSeed, signingKeyFromSeed, type SealKey } from '../protocol/primitives';
import type { DeviceKey } from '../protocol/signer';

/** As it lies in the store. The recovery key is on paper alone and never here. */
export interface StoredKeyring {
  member: string;
  device: string;
  dk: Bytes;
  sk: { k: number; seed: Bytes };
  m: { generation: number; secret: Bytes };
}

export interface Keyring {
  readonly member: string;
  readonly memberBytes: Bytes;
  readonly device: DeviceKey;
  readonly sk: { readonly k: number; readonly key: SealKey };
  readonly secrets: MemberSecrets;
}

export async function openKeyring(stored: StoredKeyring): Promise<Keyring> {
  const memberBytes = fromHex(stored.member);
  return {
    member: stored.member,
    memberBytes,
    device: { member: memberBytes, device: fromHex(stored.device), dk: await signingKeyFromSeed(asBytes(stored.dk)) },
    sk: { k: stored.sk.k, key: await sealKeyFromSeed(asBytes(stored.sk.seed)) },
    secrets: await memberSecrets(memberBytes, stored.m.generation, asBytes(stored.m.secret)),
  };
}

export function storeKeyring(keyring: Keyring): StoredKeyring {
  return {
    member: keyring.member,
    device: toHex(keyring.device.device),
    dk: keyring.device.dk.seed,
    sk: { k: keyring.sk.k, seed: keyring.sk.key.seed },
    m: { generation: keyring.secrets.generation, secret: keyring.secrets.m },
  };
}
