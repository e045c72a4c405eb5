/** Markers (docs/decisions/0112): makes those that tell how far this member is, and believes what others say or not. */
import { equal, toHex, type Bytes } from '../protocol/bytes';
import { EnvelopeKind, makeEnvelopeId, sealEnvelope, type Content, type Envelope } from '../protocol/envelope';
import { ownContent, readOwn, readReceipt, receiptContent, type ReceiptMarker } from '../protocol/markers';
import { deviceAt, identityAt } from '../protocol/member';
import { randomBytes } from '../protocol/primitives';
import { checkRules } from '../protocol/rules';
import { CircleFailure } from '../../errors';
import { opened, parsed, verified } from './ahead';
import { alarm } from './alarmWords';
import type { Context } from './context';
import type { Draft } from './draft';
import { learnEpoch } from './history';
import { ownSigner } from './maker';
import { positionsOf, readUpTo } from './positions';
import type { Rooms } from './rooms';
import type { Space } from './space';
import type { LogRow } from './spaceRecord';
import type { LogEvent, MadeMarker, MarkerBytes, MarkerScope, SpaceChange, Tells } from './wire';

const NONE = new Uint8Array(0);

export class Markers {
  readonly #context: Context;
  readonly #rooms: Rooms;

  constructor(context: Context, rooms: Rooms) {
    this.#context = context;
    this.#rooms = rooms;
  }

  // ---- heard

  /** The markers as if they were entries of the spaces that they are sealed in: what must be known to judge them. */
  async asEvents(markers: readonly MarkerBytes[]): Promise<LogEvent[]> {
    const { account } = this.#context;
    const own = account.space === null ? null : await this.#rooms.find(account.space);
    return markers.flatMap(({ scope, space, node, envelope, acceptedAt }) => {
      if (envelope === null || (scope === 'OWN' && !own)) return [];
      const place = scope === 'OWN' && own ? { space: own.id, node: own.record.node, isAccount: true } : { space, node, isAccount: false };
      return [{ ...place, seq: 0, item: NONE, logHash: NONE, acceptedAt, body: { kind: 'envelope' as const, envelope } }];
    });
  }

  /**
   * Takes the numbers of the markers that are believed, the higher ones alone, into conversations that are known here.
   * `isAfresh`: asked for, and not from the stream, so that their versions are the server's newest.
   */
  async apply(markers: readonly MarkerBytes[], isAfresh: boolean, note: (draft: Draft) => void): Promise<SpaceChange[]> {
    const { account } = this.#context;
    const spaces = [...new Set(markers.map(({ space }) => space))];
    return this.#rooms.change([...spaces, ...(account.space === null ? [] : [account.space])], async (draft) => {
      await this.take(draft, markers, isAfresh);
      note(draft);
      const changes: SpaceChange[] = [];
      for (const id of spaces) {
        const space = await this.#rooms.find(id);
        if (space) changes.push(this.#rooms.shown(space));
      }
      return changes;
    });
  }

  /** For a change that is being made; the account's space is among those that it touches. */
  async take(draft: Draft, markers: readonly MarkerBytes[], isAfresh: boolean): Promise<void> {
    for (const marker of markers) {
      const space = await this.#rooms.find(marker.space);
      if (space && !space.record.isAccount) await this.#takeOne(draft, space, marker, isAfresh);
    }
  }

  async #takeOne(draft: Draft, { record, bytes }: Space, marker: MarkerBytes, isAfresh: boolean): Promise<void> {
    const { keyring } = this.#context;
    const isMine = marker.member === keyring.member;
    if (marker.scope === 'OWN' && !isMine) return;
    const positions = positionsOf(record);
    const said = await this.#believed(draft, marker, bytes);
    if (marker.scope === 'OWN') {
      const { own } = positions;
      own.version = isAfresh ? marker.version : Math.max(own.version, marker.version);
      if (!said) return;
      own.read = Math.max(own.read, said.read);
      readUpTo(record, said.read);
      return;
    }
    if (isMine) positions.receipt.version = isAfresh ? marker.version : Math.max(positions.receipt.version, marker.version);
    if (!said) return;
    const { delivered, read } = said;
    if (isMine) {
      const { receipt } = positions;
      receipt.delivered = Math.max(receipt.delivered, delivered);
      receipt.read = Math.max(receipt.read, read);
      return;
    }
    const known = positions.others.find(([member]) => member === marker.member);
    if (!known) positions.others.push([marker.member, delivered, read]);
    else [known[1], known[2]] = [Math.max(known[1], delivered), Math.max(known[2], read)];
  }

  /** What it says about the conversation; null for what is not believed, cannot be opened (yet), or has expired. */
  async #believed(draft: Draft, { scope, space, member, envelope }: MarkerBytes, about: Bytes): Promise<{ delivered: number; read: number } | null> {
    const { account } = this.#context;
    const sealedIn = scope === 'RECEIPT' ? space : account.space;
    const open = sealedIn === null || envelope === null ? null : await this.#rooms.find(sealedIn);
    if (!open || envelope === null) return null;
    try {
      const read = await parsed(envelope);
      const { header } = read;
      if (header.kind !== EnvelopeKind.RECEIPT || header.ref !== null || toHex(header.member) !== member || !equal(header.space, open.bytes)) return null;
      await learnEpoch(open, draft, this.#context, header.epoch.n);
      const key = await this.#judge(open, draft, read);
      if (!key) return null;
      const content = await opened(read, key);
      if (scope === 'RECEIPT') return within(readReceipt(content), header.seen.n);
      const own = readOwn(content);
      return equal(own.space, about) ? { delivered: 0, read: own.read } : null;
    } catch {
      return null;
    }
  }

  /** The checks of e2ee.md section 7 that do not depend on a place in the log. Throws where one fails. */
  async #judge(space: Space, draft: Draft, envelope: Envelope): Promise<Bytes | null> {
    const { header } = envelope;
    const epoch = await space.epoch(header.epoch.n);
    const roster = epoch && equal(epoch.hash, header.epoch.hash) ? space.states[epoch.rosterN] : undefined;
    const seat = roster?.seats.get(toHex(header.member));
    if (!epoch || !roster || !seat) return null;
    const { chain } = await this.#context.people.get(toHex(header.member));
    const identity = identityAt(chain, header.n);
    const device = header.n <= chain.n ? deviceAt(chain, header.device, header.n) : null;
    // What its device had seen of the log, it knew of its own chain.
    const isBehind = header.n < space.linkedBefore(toHex(header.member), header.seen.n + 1);
    if (!device || !identity || !equal(identity, seat.identity) || isBehind) return null;
    await verified(envelope, device.dk);
    checkRules(header, seat.role, roster.policy.lifetime, null);
    const row = header.seen.n < space.record.start.n ? undefined : ((await draft.get('log', [space.id, header.seen.n])) as LogRow | undefined);
    if (row && !equal(row.hash, header.seen.hash)) {
      space.record.alarm ??= alarm('fork', `Whoever set a mark after entry ${header.seen.n} has seen another history.`);
      return null;
    }
    return epoch.branches[header.b] ?? null;
  }

  // ---- told

  /** The marker that says what the server does not know yet; null where it knows all. Throws NO_KEY. */
  async make(space: string, scope: MarkerScope, tells: Tells): Promise<MadeMarker | null> {
    const open = await this.#rooms.get(space);
    const { own, receipt, delivered } = positionsOf(open.record);
    const { lastRead } = open.record;
    if (scope === 'OWN') {
      const { account } = this.#context;
      if (lastRead <= own.read || account.space === null) return null;
      const envelope = await this.#seal(await this.#rooms.get(account.space), 0, ownContent({ space: open.bytes, read: lastRead }));
      return { scope, version: own.version, envelope, delivered: 0, read: lastRead };
    }
    const says = { delivered: tells.delivered ? Math.max(delivered, receipt.delivered) : 0, read: tells.read ? Math.max(lastRead, receipt.read) : 0 };
    if (says.delivered <= receipt.delivered && says.read <= receipt.read) return null;
    const content = receiptContent({ delivered: tells.delivered ? says.delivered : null, read: tells.read ? says.read : null });
    return { scope, version: receipt.version, envelope: await this.#seal(open, open.policyClass, content), ...says };
  }

  /** The server has it, as this version. */
  async told(space: string, { scope, delivered, read }: MadeMarker, version: number): Promise<SpaceChange> {
    const open = await this.#rooms.get(space);
    return this.#rooms.change([space], () => {
      const { own, receipt } = positionsOf(open.record);
      if (scope === 'OWN') Object.assign(own, { version, read: Math.max(own.read, read) });
      else Object.assign(receipt, { version, delivered: Math.max(receipt.delivered, delivered), read: Math.max(receipt.read, read) });
      return Promise.resolve(this.#rooms.shown(open));
    });
  }

  async #seal(space: Space, b: number, content: Content): Promise<Bytes> {
    const epoch = await space.current();
    const branch = epoch?.branches[b];
    if (!epoch || !branch) throw new CircleFailure('NO_KEY', epoch?.reason ?? 'This device was not given the keys of this conversation.');
    const signer = await ownSigner(this.#context);
    const now = Date.now();
    const header = {
      space: space.bytes, epoch: { n: epoch.n, hash: epoch.hash }, id: makeEnvelopeId(now, randomBytes(10)), member: signer.member, device: signer.device, n: signer.n,
      seen: space.head, kind: EnvelopeKind.RECEIPT, ref: null, b, time: now,
    };
    return (await sealEnvelope(header, content, branch, this.#context.keyring.device.dk)).bytes;
  }
}

/** Nobody has received or read what they had not seen in the log. */
function within({ delivered, read }: ReceiptMarker, seen: number): { delivered: number; read: number } {
  return { delivered: Math.min(Math.max(delivered ?? 0, read ?? 0), seen), read: Math.min(read ?? 0, seen) };
}
