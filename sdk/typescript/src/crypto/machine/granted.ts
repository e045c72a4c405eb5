/** What members have granted, before it is known whether it fits: who uses it checks the commits. */
import { CLASSES } from '../protocol/branches';
import { fromHex, type Bytes } from '../protocol/bytes';
import { bytes, list, read, tuple, uint } from '../protocol/cbor';
import type { GrantEntry } from '../protocol/grant';
import { openSeal } from '../protocol/labels';
import type { Context } from './context';
import { secretsOf, type Keyring } from './keyring';
import type { EpochBytes } from './wire';

type Grant = EpochBytes['grants'][number];

const grantList = list(tuple(uint(), uint(CLASSES - 1), bytes(32)), 65_536);

/** What a grant holds, unchecked; nothing where it does not open. */
export async function entriesOf(space: Bytes, keyring: Keyring, { grant, generation }: Grant): Promise<GrantEntry[]> {
  const secrets = secretsOf(keyring, generation);
  if (!secrets) return [];
  try {
    const text = await openSeal(secrets.mk, 'grant', [space, keyring.memberBytes, generation, secrets.mkHash], grant);
    return read(text, grantList).map(([epoch, branch, key]) => ({ epoch, branch, key }));
  } catch {
    return [];
  }
}

/** Everything that the server has shown of a space's grants to this member since the start. */
export async function grantedEntries({ offers, keyring }: Context, space: string): Promise<GrantEntry[]> {
  const found: GrantEntry[] = [];
  for (const grant of offers.grants(space)) found.push(...(await entriesOf(fromHex(space), keyring, grant)));
  return found;
}
