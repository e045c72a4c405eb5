/** This device among its siblings: own keys, rotations, the recovery key, and the end (e2ee.md section 8). */
import type { ArchiveBytes, KeyBox, OwnKeys, RotationBytes, RotationInput, WrapBytes } from '../deviceKeeper';
import { equal, fromHex, toHex, Z16, type Bytes } from '../protocol/bytes';
import { ProtocolError } from '../protocol/errors';
import { parseAnnouncement, parseRecipients } from '../protocol/epoch';
import { hBody, verifyBody } from '../protocol/labels';
import { deviceAt, followMember, MemberKind, parseMemberLink } from '../protocol/member';
import { randomBytes } from '../protocol/primitives';
import { makeRosterLink, NO_EPOCH, Role } from '../protocol/roster';
import { followRoster, rosterPlace, verifyRoster } from '../protocol/rosterState';
import { entropyFromWords, recoveryKeys, type RecoveryKeys } from '../protocol/words';
import { beforeRotation, Carried, hasShortLived, isCrowded, knownPlaces, noteLoad } from './carrying';
import type { Context } from './context';
import { ownSigner } from './maker';
import { makeRecoveryKey } from './newcomer';
import { ownKeys, takeKey } from './ownKeys';
import type { Rooms } from './rooms';
import { makeRotation } from './rotation';
import type { LinkBytes, MemberLinkBytes } from './wire';

export class Devices {
  readonly #context: Context;
  readonly #rooms: Rooms;
  /** New recovery keys on their way to paper. */
  readonly #recovery = new Map<string, RecoveryKeys>();
  /** Epochs that were asked for before the next rotation. */
  readonly #asked = new Set<string>();

  constructor(context: Context, rooms: Rooms) {
    this.#context = context;
    this.#rooms = rooms;
  }

  async own(): Promise<OwnKeys> {
    const { chain } = await this.#context.people.get(this.#context.keyring.member);
    // In force: it is on paper alone from here on.
    for (const [key, { rs }] of this.#recovery) if (equal(rs.publicKey, chain.rs)) this.#recovery.delete(key);
    const own = await ownKeys(this.#context, () => hasShortLived(this.#context, this.#rooms));
    const isRotationDue = own.isRotationDue || (own.newest === own.generation && (await isCrowded(this.#context, this.#rooms)));
    return { ...own, isRotationDue };
  }

  async takeKey(keyBox: KeyBox | null): Promise<void> {
    if (!(await takeKey(this.#context, keyBox))) return;
    this.#asked.clear();
    await noteLoad(this.#context, this.#rooms);
  }

  async learnWraps(archive: ArchiveBytes[], wraps: WrapBytes[]): Promise<void> {
    const { keyring } = this.#context;
    await keyring.wraps.show(keyring.secrets, archive, wraps);
  }

  // ---- earlier generations of other members

  /** Members of whom a row of the newest epoch's list names a generation that this device has not seen. */
  async olderKeysNeeded(space: string): Promise<string[]> {
    const epoch = await (await this.#rooms.get(space)).current();
    const needed: string[] = [];
    for (const row of epoch ? parseRecipients(epoch.recipients) : []) {
      const member = toHex(row.member);
      const known = await this.#context.people.find(member);
      const isKnown = known && (row.generation === known.key.generation || known.older.some(({ generation }) => generation === row.generation));
      if (known && !isKnown && row.generation < known.key.generation) needed.push(member);
    }
    return needed;
  }

  async learnMemberKeys(member: string, keys: LinkBytes[]): Promise<void> {
    const write = await this.#context.people.learnKeys(member, keys);
    if (write) await this.#context.store.write([write]);
  }

  // ---- rotation

  before(isThorough: boolean): Promise<{ space: string; node: string; number: number }[]> {
    return beforeRotation(this.#context, this.#rooms, this.#asked, isThorough);
  }

  async rotate(input: RotationInput): Promise<RotationBytes> {
    this.#asked.clear();
    const known = await knownPlaces(this.#context, this.#rooms);
    return makeRotation(this.#context, { ...input, recoveryKeys: this.#recovery, known, carried: new Carried(this.#context) });
  }

  async makeRecoveryKey(): Promise<{ key: string; words: string[] }> {
    const { words, keys } = await makeRecoveryKey(this.#context.keyring.memberBytes);
    const key = toHex(randomBytes(16));
    this.#recovery.set(key, keys);
    return { key, words };
  }

  /** Whether the words are those of the recovery key in force. Throws a ProtocolError BAD_WORDS. */
  async isRecoveryKey(words: readonly string[]): Promise<boolean> {
    const { keyring, people } = this.#context;
    const entropy = entropyFromWords(words, 24);
    const { rs, rx } = await recoveryKeys(entropy, keyring.memberBytes);
    entropy.fill(0);
    const { chain } = await people.get(keyring.member);
    return equal(rs.publicKey, chain.rs) && equal(rx.publicKey, chain.rx);
  }

  /** The member's own add of the new ID, after a reset, in the account's space. */
  async readmitAccount(space: string, links: LinkBytes[], epoch: Bytes | null): Promise<LinkBytes> {
    const { keyring, people } = this.#context;
    const { chains } = await people.lookup([keyring.member]);
    const { chain } = await people.get(keyring.member);
    const roster = (await verifyRoster(fromHex(space), links, chains)).at(-1);
    if (!roster) throw new ProtocolError('roster', 'CHAIN_CONFLICT', 'This account has no roster.');
    const newest = epoch ? (await parseAnnouncement(epoch)).epoch : NO_EPOCH;
    const statement = { kind: 1 as const, member: keyring.memberBytes, identity: chain.identity, role: Role.OWNER };
    const link = await makeRosterLink(rosterPlace(roster, newest), statement, await ownSigner(this.#context), keyring.device.dk, Date.now());
    await followRoster(roster, link, chains, newest);
    return { body: link.body, signature: link.signature };
  }

  // ---- the end

  /**
   * Whether this is a true device.revoke of this device, by what is known of the own chain: one of its links, the next
   * one, or a later one signed by a device that is active as known here, or by the recovery key.
   */
  async isRevoked(proof: MemberLinkBytes): Promise<boolean> {
    const { keyring, people } = this.#context;
    const { chain } = await people.get(keyring.member);
    try {
      const { member, n, statement, device } = parseMemberLink(proof.body);
      const own = keyring.device.device;
      if (!equal(member, keyring.memberBytes) || statement.kind !== MemberKind.DEVICE_REVOKE || !equal(statement.device, own)) return false;
      if (n === chain.n + 1) return await followMember(chain, proof).then(() => true);
      if (n <= chain.n) return equal(chain.hashes[n] ?? Z16, await hBody('member', proof.body));
      const dk = equal(device, Z16) ? chain.rs : deviceAt(chain, device)?.dk;
      if (!dk || equal(device, own)) return false;
      await verifyBody(dk, proof.signature, 'member', proof.body);
      return true;
    } catch (error) {
      if (error instanceof ProtocolError) return false;
      throw error;
    }
  }
}
