/** Recovery words: BIP 39 English, the entropy as it is (e2ee.md sections 1 to 3). */
import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { asBytes, type Bytes } from './bytes';
import { ProtocolError } from './errors';
import { kdf } from './labels';
import { sealKeyFromSeed, signingKeyFromSeed, type SealKey, type SigningKey } from './primitives';

/** 32 bytes give 24 words, 16 bytes give 12. */
export function wordsFromEntropy(entropy: Bytes): readonly string[] {
  return entropyToMnemonic(entropy, wordlist).split(' ');
}

/**
 * The bytes behind words as a person types them: case and spaces do not matter.
 * @param count 24 for the recovery key, 12 for a linking key
 * @throws {ProtocolError} derivation/BAD_WORDS for an unknown word, which is named with its place, another count, or
 * a wrong check
 */
export function entropyFromWords(words: string | readonly string[], count: 12 | 24): Bytes {
  const text = typeof words === 'string' ? words : words.join(' ');
  const tidy = text.normalize('NFKD').toLowerCase().trim().split(/\s+/).filter((word) => word !== '');
  const refuse = (sentence: string) => new ProtocolError('derivation', 'BAD_WORDS', sentence);
  const unknown = tidy.findIndex((word) => !wordlist.includes(word));
  if (unknown !== -1) throw refuse(`Word ${unknown + 1}, “${(tidy[unknown] ?? '').slice(0, 20)}”, is not one of the words that Circle uses. Please check its spelling.`);
  if (tidy.length !== count) throw refuse(`These are ${tidy.length === 1 ? '1 word' : `${tidy.length} words`}; it takes ${count}.`);
  try {
    return asBytes(mnemonicToEntropy(tidy.join(' '), wordlist));
  } catch {
    throw refuse('These words do not fit together: one of them is another, or stands in another place.');
  }
}

/** RS signs links when no device is left; RX opens M. Both come from RK, which lives on paper alone. */
export interface RecoveryKeys {
  readonly rs: SigningKey;
  readonly rx: SealKey;
}

/** RS and RX of a member: KDF(RK, -, recovery-sign | recovery-seal, [member], 32) as seeds (section 2). */
export async function recoveryKeys(rk: Bytes, member: Bytes): Promise<RecoveryKeys> {
  const rs = await signingKeyFromSeed(await kdf(rk, null, 'recovery-sign', [member], 32));
  const rx = await sealKeyFromSeed(await kdf(rk, null, 'recovery-seal', [member], 32));
  return { rs, rx };
}
