/** Envelopes (e2ee.md section 7): header, sealing, opening. Who may send which lies in rules.ts, the log in log.ts. */
import { asBytes, concat, equal, type Bytes } from './bytes';
import { anyMap, bytes, bytesUpTo, decode, encode, fields, nullable, read, struct, tuple, uint, type Value } from './cbor';
import { demand, ProtocolError } from './errors';
import { hBody, kdf, signBody, verifyBody } from './labels';
import { isPaddedSize, pad, unpad } from './padding';
import { gcmOpen, gcmSeal, macKey, macWith, sha256, SIGNATURE_LENGTH, type MacKey, type SigningKey } from './primitives';
import { hash, head, id, SUITE, suite, time, type Head } from './signer';

/** ct = GCM(key, nonce, header, P) has at most 96 KiB. */
export const CT_CAP = 98_304;
const HEADER_CAP = 512;
const ENVELOPE_CAP = CT_CAP + HEADER_CAP + 128;
const TAG = 16;

export const EnvelopeKind = { MESSAGE: 1, EDIT: 2, DELETE: 3, REACTION: 4, RECEIPT: 5, VAULT_ENTRY: 6, SIGNAL: 7, STATE: 8 } as const;
export type EnvelopeKind = (typeof EnvelopeKind)[keyof typeof EnvelopeKind];

/** The readable, signed part. */
export interface Header {
  readonly space: Bytes;
  /** [e, h_e]. */
  readonly epoch: Head;
  /** A UUIDv7, see {@link makeEnvelopeId}. */
  readonly id: Bytes;
  readonly member: Bytes;
  readonly device: Bytes;
  /** Number of the newest link of the sender's own chain. */
  readonly n: number;
  /** [seq, l_seq]: the newest entry of the log that the sender knew. */
  readonly seen: Head;
  /** One of {@link EnvelopeKind}, or a kind that this version does not know. */
  readonly kind: number;
  /** Id of the envelope that this one is about. */
  readonly ref: Bytes | null;
  /** Lifetime class. */
  readonly b: number;
  readonly time: number;
}

/** A content: what P holds. Unknown keys are allowed and ignored. */
export type Content = ReadonlyMap<number, Value>;

export interface Envelope {
  /** E([header, syn, ct, signature]), as sent and received. */
  readonly bytes: Bytes;
  readonly header: Header;
  readonly headerBytes: Bytes;
  readonly syn: Bytes;
  readonly ct: Bytes;
  readonly signature: Bytes;
  /** v = E([header, syn, SHA-256(ct)]): what is signed. */
  readonly signed: Bytes;
  /** Its item in the log: H(envelope, v). */
  readonly item: Bytes;
}

/** A UUIDv7 of a time in milliseconds and 10 random bytes. */
export function makeEnvelopeId(now: number, random: Bytes): Bytes {
  const out = new Uint8Array(16);
  new DataView(out.buffer).setUint32(0, Math.floor(now / 65_536));
  new DataView(out.buffer).setUint16(4, now % 65_536);
  out.set(random.subarray(0, 10), 6);
  out[6] = ((out[6] ?? 0) & 0x0f) | 0x70;
  out[8] = ((out[8] ?? 0) & 0x3f) | 0x80;
  return out;
}

/** The milliseconds since 1970 in a UUIDv7. */
export function envelopeIdTime(envelopeId: Bytes): number {
  const view = new DataView(envelopeId.buffer, envelopeId.byteOffset);
  return view.getUint32(0) * 65_536 + view.getUint16(4);
}

function encodeHeader(header: Header): Bytes {
  const { space, epoch, id: own, member, device, n, seen, kind, ref, b, time: at } = header;
  return encode(struct(SUITE, space, epoch.n, epoch.hash, own, member, device, n, [seen.n, seen.hash], kind, ref, b, at));
}

const headerFields = fields(suite, id, uint(), hash, id, id, id, uint(), head, uint(), nullable(id), uint(), time);

/** Reads E(header). @throws {ProtocolError} cbor/MALFORMED, also for an id that is no UUIDv7 */
export function parseHeader(source: Bytes): Header {
  const [, space, e, epochHash, own, member, device, n, seen, kind, ref, b, at] = read(source, headerFields);
  const isV7 = ((own[6] ?? 0) >> 4) === 7 && ((own[8] ?? 0) >> 6) === 2;
  demand(isV7, 'cbor', 'MALFORMED', "An envelope's id is a UUIDv7.");
  return { space, epoch: { n: e, hash: epochHash }, id: own, member, device, n, seen, kind, ref, b, time: at };
}

async function assemble(source: Bytes, headerBytes: Bytes, syn: Bytes, ct: Bytes, signature: Bytes, signed: Bytes): Promise<Envelope> {
  return { bytes: source, header: parseHeader(headerBytes), headerBytes, syn, ct, signature, signed, item: await hBody('envelope', signed) };
}

async function signedValue(headerBytes: Bytes, syn: Bytes, ct: Bytes): Promise<Bytes> {
  return encode([headerBytes, syn, await sha256(ct)]);
}

const envelopeTuple = tuple(bytesUpTo(HEADER_CAP), bytes(32), bytesUpTo(CT_CAP), bytes(SIGNATURE_LENGTH));

/**
 * Reads an envelope; says nothing about its signature, its sender's right to it, or its content.
 * @throws {ProtocolError} cbor/MALFORMED; envelope/MALFORMED for a ct that no padded text has
 */
export async function parseEnvelope(source: Bytes): Promise<Envelope> {
  demand(source.length <= ENVELOPE_CAP, 'cbor', 'MALFORMED', 'This envelope is too long.');
  const [headerBytes, syn, ct, signature] = read(source, envelopeTuple);
  demand(isPaddedSize(ct.length - TAG), 'envelope', 'MALFORMED', "The ciphertext's length is not that of a padded text.");
  return assemble(asBytes(source), headerBytes, syn, ct, signature, await signedValue(headerBytes, syn, ct));
}

const peeked = new WeakMap<Bytes, Header>();

/**
 * The header alone, without a digest: for what only asks whom and which keys an envelope names. The same bytes are
 * asked about several times on the way, and read once.
 * @throws {ProtocolError} as {@link parseEnvelope}
 */
export function peekHeader(source: Bytes): Header {
  const known = peeked.get(source);
  if (known) return known;
  demand(source.length <= ENVELOPE_CAP, 'cbor', 'MALFORMED', 'This envelope is too long.');
  const header = parseHeader(read(source, envelopeTuple)[0]);
  peeked.set(source, header);
  return header;
}

/** Verifies the signature by the sender's DK. @throws {ProtocolError} ed25519/FORBIDDEN */
export function verifyEnvelope(envelope: Envelope, dk: Bytes): Promise<void> {
  return verifyBody(dk, envelope.signature, 'envelope', envelope.signed);
}

/** The key of MACs under a branch's key, held for as long as the key itself is. */
interface BranchMac {
  /** E([space, e, h_e]). */
  readonly place: Bytes;
  readonly key: MacKey;
}

const branchMacs = new WeakMap<Bytes, BranchMac>();

async function synOf(branchKey: Bytes, { space, epoch }: Header, headerHash: Bytes, padded: Bytes): Promise<Bytes> {
  const place = [space, epoch.n, epoch.hash];
  const encoded = encode(place);
  let known = branchMacs.get(branchKey);
  if (!known || !equal(known.place, encoded)) {
    known = { place: encoded, key: macKey(await kdf(branchKey, null, 'syn', place, 32)) };
    branchMacs.set(branchKey, known);
  }
  return macWith(known.key, concat(headerHash, padded));
}

async function keyAndNonce(branchKey: Bytes, syn: Bytes, headerHash: Bytes): Promise<readonly [Bytes, Bytes]> {
  const derived = await kdf(branchKey, syn, 'envelope-key', headerHash, 44);
  return [derived.slice(0, 32), derived.slice(32)];
}

/**
 * Seals a content and signs. The key comes from the content: the same header and content give the same ciphertext, a
 * repeated id, clock or random state repeats no key with another text.
 * @param branchKey B_b of the header's epoch and class
 * @throws {ProtocolError} cbor/MALFORMED for values outside the profile; envelope/MALFORMED if it is too long
 */
export async function sealEnvelope(header: Header, content: Content, branchKey: Bytes, dk: SigningKey): Promise<Envelope> {
  const headerBytes = encodeHeader(header);
  const padded = pad(encode(content));
  demand(padded.length + TAG <= CT_CAP, 'envelope', 'MALFORMED', 'This is too long for one message.');
  const headerHash = await sha256(headerBytes);
  const syn = await synOf(branchKey, header, headerHash, padded);
  const [key, nonce] = await keyAndNonce(branchKey, syn, headerHash);
  const ct = await gcmSeal(key, nonce, headerBytes, padded);
  const signed = await signedValue(headerBytes, syn, ct);
  const signature = await signBody(dk, 'envelope', signed);
  return assemble(encode([headerBytes, syn, ct, signature]), headerBytes, syn, ct, signature, signed);
}

/**
 * The content of an envelope whose signature and rules were checked before. `syn` is computed again.
 * @throws {ProtocolError} envelope/UNREADABLE
 */
export async function openEnvelope(envelope: Envelope, branchKey: Bytes): Promise<Content> {
  const headerHash = await sha256(envelope.headerBytes);
  const [key, nonce] = await keyAndNonce(branchKey, envelope.syn, headerHash);
  const padded = await gcmOpen(key, nonce, envelope.headerBytes, envelope.ct);
  demand(padded !== null, 'envelope', 'UNREADABLE', "This message does not open with this epoch's key.");
  const syn = await synOf(branchKey, envelope.header, headerHash, padded);
  demand(equal(syn, envelope.syn), 'envelope', 'UNREADABLE', 'This message does not fit its own digest.');
  const text = unpad(padded);
  try {
    return anyMap(decode(text));
  } catch {
    throw new ProtocolError('envelope', 'UNREADABLE', 'This content is not of the profile.');
  }
}
