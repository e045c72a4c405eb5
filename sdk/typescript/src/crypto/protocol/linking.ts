/**
 * Linking a new device (e2ee.md section 8): the code k that it shows, its request, the answer, and their MACs.
 * k never reaches the server. Who holds k knows that the request is of the device that shows it, and that the answer
 * is of the device that read it, for this very request.
 */
import { concat, equal, fromBase64Url, toBase64Url, type Bytes } from './bytes';
import { bytes, bytesUpTo, encode, fields, read, struct } from './cbor';
import { demand, ProtocolError } from './errors';
import { kdf } from './labels';
import { verifyDeviceSeal, type DeviceSeal } from './memberKey';
import { checkSigningPublicKey, mac, randomBytes, SEAL_OVERHEAD, sha256, SIGNATURE_LENGTH } from './primitives';
import { BODY_CAP, head, id, SUITE, suite, type Head, type Signed } from './signer';
import { entropyFromWords, wordsFromEntropy } from './words';

const LINK_KEY = 16;
const REQUEST_CAP = 4_096;
const ANSWER_CAP = 4_096;
/** SEAL of M: 32 bytes of secret. */
const BOX_LENGTH = SEAL_OVERHEAD + 32;
/** What the text of the QR code begins with; base64url of k follows. No address: a code is read by the app alone. */
export const LINK_SCHEME = 'circle-link:';

/** k, as the new device makes it for one linking. */
export function generateLinkKey(): Bytes {
  return randomBytes(LINK_KEY);
}

/** The twelve words of k. */
export function linkWords(key: Bytes): readonly string[] {
  return wordsFromEntropy(key);
}

/** The text of the QR code of k. */
export function linkQr(key: Bytes): string {
  return `${LINK_SCHEME}${toBase64Url(key)}`;
}

/**
 * k from its twelve words as a person types them, or from the text of the QR code.
 * @throws {ProtocolError} derivation/BAD_WORDS
 */
export function linkKeyOf(code: string): Bytes {
  const text = code.trim();
  if (!text.startsWith(LINK_SCHEME)) return entropyFromWords(text, 12);
  try {
    const key = fromBase64Url(text.slice(LINK_SCHEME.length));
    if (key.length === LINK_KEY) return key;
  } catch {
    // told below
  }
  throw new ProtocolError('derivation', 'BAD_WORDS', 'This is not the code of a new device.');
}

/** The id under which request and answer lie on the server: KDF(k, -, link-id, [], 16). */
export function linkId(key: Bytes): Promise<Bytes> {
  return kdf(key, null, 'link-id', [], 16);
}

async function requestMac(key: Bytes, request: Bytes): Promise<Bytes> {
  return mac(await kdf(key, null, 'link-request', [], 32), request);
}

async function answerMac(key: Bytes, request: Bytes, answer: Bytes): Promise<Bytes> {
  return mac(await kdf(key, null, 'link-answer', [], 32), concat(await sha256(request), answer));
}

/** Bytes with their MAC under a key that k gives. */
export interface Tagged {
  readonly body: Bytes;
  readonly mac: Bytes;
}

/** Who wants in as which device; `deviceSeal` is that device's first. */
export interface LinkRequest {
  readonly member: Bytes;
  readonly device: Bytes;
  readonly dk: Bytes;
  readonly deviceSeal: Signed;
}

/** The box for the new device, the head of the member's chain with it, and [seq, l] of the account's log. */
export interface LinkAnswer {
  readonly box: Bytes;
  readonly chain: Head;
  readonly account: Head;
}

/** A request and its MAC. */
export async function makeLinkRequest(key: Bytes, { member, device, dk, deviceSeal }: LinkRequest): Promise<Tagged> {
  const body = encode(struct(SUITE, member, device, dk, deviceSeal.body, deviceSeal.signature));
  return { body, mac: await requestMac(key, body) };
}

const requestFields = fields(suite, id, id, bytes(32), bytesUpTo(BODY_CAP), bytes(SIGNATURE_LENGTH));

/**
 * Reads a request; says nothing about its MAC or seal.
 * @throws {ProtocolError} cbor/MALFORMED
 */
export function parseLinkRequest(body: Bytes): LinkRequest {
  demand(body.length <= REQUEST_CAP, 'cbor', 'MALFORMED', 'This request is too long.');
  const [, member, device, dk, seal, signature] = read(body, requestFields);
  return { member, device, dk, deviceSeal: { body: seal, signature } };
}

/**
 * A request as the linked device takes it: made with this k, by a device that wants into this member's chain.
 * @param member whose device reads it
 * @returns the request, and its device seal, verified
 * @throws {ProtocolError} link/BAD_LINK for another k, other bytes or another member; cbor/MALFORMED;
 *   ed25519/FORBIDDEN, member/FORBIDDEN, seal/MALFORMED for DK and seal; link/FORBIDDEN for a seal that is not the first
 */
export async function verifyLinkRequest(key: Bytes, { body, mac: tag }: Tagged, member: Bytes): Promise<LinkRequest & { readonly seal: DeviceSeal }> {
  demand(equal(await requestMac(key, body), tag), 'link', 'BAD_LINK', 'The request was not made by the device that shows this code.');
  const request = parseLinkRequest(body);
  demand(equal(request.member, member), 'link', 'BAD_LINK', 'The device asks to be let in by someone else.');
  checkSigningPublicKey(request.dk);
  const seal = await verifyDeviceSeal(member, request.device, request.dk, request.deviceSeal);
  demand(seal.k === 1, 'link', 'FORBIDDEN', "A device's first seal has the number 1.");
  return { ...request, seal };
}

/** An answer to these very bytes of a request, and its MAC over SHA-256(request) ‖ answer. */
export async function makeLinkAnswer(key: Bytes, request: Bytes, { box, chain, account }: LinkAnswer): Promise<Tagged> {
  const body = encode(struct(box, [chain.n, chain.hash], [account.n, account.hash]));
  return { body, mac: await answerMac(key, request, body) };
}

const answerFields = fields(bytes(BOX_LENGTH), head, head);

/**
 * Reads an answer; says nothing about its MAC.
 * @throws {ProtocolError} cbor/MALFORMED
 */
export function parseLinkAnswer(body: Bytes): LinkAnswer {
  demand(body.length <= ANSWER_CAP, 'cbor', 'MALFORMED', 'This answer is too long.');
  const [box, chain, account] = read(body, answerFields);
  return { box, chain, account };
}

/**
 * An answer as the new device takes it: to its own request, by the device that read its k. The heads are for the
 * caller to compare with the chains, verified from link 0.
 * @throws {ProtocolError} link/BAD_LINK; cbor/MALFORMED
 */
export async function verifyLinkAnswer(key: Bytes, request: Bytes, { body, mac: tag }: Tagged): Promise<LinkAnswer> {
  demand(equal(await answerMac(key, request, body), tag), 'link', 'BAD_LINK', "The answer is not to this device's request.");
  return parseLinkAnswer(body);
}
