/** What a cheating member does to the keys of others: an epoch that is truly signed, with seals that open nothing. */
import { toHex, type Bytes } from '../../src/bytes';
import { decode, encode, type Value } from '../../src/crypto/protocol/cbor';
import { hBody, signBody } from '../../src/crypto/protocol/labels';
import { sha256, type SigningKey } from '../../src/crypto/protocol/primitives';

export interface Made {
  announcement: Bytes;
  signature: Bytes;
  recipients: Bytes;
  seals: Bytes[];
}

/** The epoch with garbage, truly listed, in the place of these members' seals. */
export async function spoil({ announcement, recipients, seals }: Omit<Made, 'signature'>, victims: string[], dk: SigningKey): Promise<Made> {
  const rows = (decode(recipients) as Value[][]).map((row) => [...row]);
  const spoiled = [...seals];
  for (const [index, row] of rows.entries()) {
    const [member] = row;
    const seal = seals[index];
    if (!seal || !(member instanceof Uint8Array) || !victims.includes(toHex(member))) continue;
    const broken = Uint8Array.from(seal, (byte, place) => (place === 1100 ? byte ^ 1 : byte));
    row[5] = await sha256(broken);
    spoiled[index] = broken;
  }
  const list = encode(rows);
  const fields = decode(announcement) as Map<number, Value>;
  fields.set(5, await hBody('recipients', list));
  const body = encode(fields);
  return { announcement: body, signature: await signBody(dk, 'epoch', body), recipients: list, seals: spoiled };
}
