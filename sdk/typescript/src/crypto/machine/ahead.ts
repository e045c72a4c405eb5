/**
 * Digests, signatures and keys of many envelopes side by side, before `judge` asks for them one after the other. What
 * is begun here is believed by nobody until a check has asked for it with the keys that count.
 */
import { toHex, type Bytes } from '../protocol/bytes';
import { openEnvelope, parseEnvelope, verifyEnvelope, type Content, type Envelope } from '../protocol/envelope';
import { deviceAt } from '../protocol/member';
import { deadlineOf } from './expiry';
import type { People } from './people';
import type { Space } from './space';
import type { LogEvent } from './wire';

/** One result by the very bytes, or envelope, and key that it was made of. */
class Begun<Of extends object, Key, Result> {
  readonly #known = new WeakMap<Of, { key: Key; result: Promise<Result> }>();
  readonly #make: (of: Of, key: Key) => Promise<Result>;

  constructor(make: (of: Of, key: Key) => Promise<Result>) {
    this.#make = make;
  }

  begin(of: Of, key: Key): Promise<Result> {
    const result = this.#make(of, key);
    // Whoever asks for it hears of the failure.
    result.catch(() => undefined);
    this.#known.set(of, { key, result });
    return result;
  }

  /** What was begun with this key, once; otherwise it is made now. */
  take(of: Of, key: Key): Promise<Result> {
    const known = this.#known.get(of);
    this.#known.delete(of);
    return known?.key === key ? known.result : this.#make(of, key);
  }
}

const parsing = new Begun<Bytes, null, Envelope>((bytes) => parseEnvelope(bytes));
const verifying = new Begun<Envelope, Bytes, void>(verifyEnvelope);
const opening = new Begun<Envelope, Bytes, Content>(openEnvelope);

/** As `parseEnvelope`. */
export function parsed(bytes: Bytes): Promise<Envelope> {
  return parsing.take(bytes, null);
}

/** As `verifyEnvelope`. */
export function verified(envelope: Envelope, dk: Bytes): Promise<void> {
  return verifying.take(envelope, dk);
}

/** As `openEnvelope`. */
export function opened(envelope: Envelope, branch: Bytes): Promise<Content> {
  return opening.take(envelope, branch);
}

/** Begins all envelopes among these entries of a space; their digests and what is stored for them are there at the end. */
export async function readAhead(space: Space, people: People, events: readonly LogEvent[]): Promise<void> {
  await Promise.all(
    events.map(async ({ body, acceptedAt }) => {
      if (body.kind === 'envelope' && body.envelope !== null) await begin(space, people, body.envelope, acceptedAt).catch(() => undefined);
    }),
  );
}

async function begin(space: Space, people: People, bytes: Bytes, acceptedAt: number): Promise<void> {
  const envelope = await parsing.begin(bytes, null);
  const { header } = envelope;
  const [known, epoch] = await Promise.all([people.find(toHex(header.member)), space.epoch(header.epoch.n)]);
  const device = known && header.n <= known.chain.n ? deviceAt(known.chain, header.device, header.n) : null;
  if (device) void verifying.begin(envelope, device.dk);
  const now = Date.now();
  const branch = (deadlineOf(acceptedAt, header.b, now) ?? Infinity) > now ? epoch?.branches[header.b] : null;
  if (branch) void opening.begin(envelope, branch);
}
