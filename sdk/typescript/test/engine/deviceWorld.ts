/** A server in memory for members with several devices: it keeps and checks what the true one does about keys. */
import { LocalKeeper } from '../../src/crypto/machine/local';
import type { ArchiveBytes, EpochBytes, Identity, KeyBox, LinkBytes, LogEvent, MemberLinkBytes, Needs, RequiredWrap, RotationBytes, RotationChange, RotationInput, SealBytes, WrapBytes } from '../../src/crypto';
import type { AnswerBytes, Entry, RecoveryBytes } from '../../src/crypto';
import { equal, fromHex, toHex, type Bytes } from '../../src/crypto/protocol/bytes';
import { LIFETIMES } from '../../src/crypto/protocol/branches';
import { parseEnvelope } from '../../src/crypto/protocol/envelope';
import { parseRecipients } from '../../src/crypto/protocol/epoch';
import { joinFragment } from '../../src/crypto/protocol/invite';
import { hBody } from '../../src/crypto/protocol/labels';
import { LOG_START, nextHash } from '../../src/crypto/protocol/log';
import { parseRosterLink } from '../../src/crypto/protocol/roster';
import { activeDevices, parseMemberLink, verifyMemberChain, type MemberChain } from '../../src/crypto/protocol/member';
import { parseDeviceSeal, verifyDeviceSeal, verifyMemberKey } from '../../src/crypto/protocol/memberKey';
import { CircleFailure, codeOf } from '../../src/errors';
import { PARAMETERS, PASSWORD, Person, World, type Space } from './world';

export const PAPER = '0'.repeat(32);
let count = 0;

function refuse(code: string): never {
  throw new CircleFailure(code, `The server refuses: ${code}.`);
}

/** What the server holds of a member. */
export class Account {
  readonly person: Identity['person'];
  links: MemberLinkBytes[];
  keys: LinkBytes[];
  readonly seals = new Map<string, LinkBytes>();
  boxes = new Map<string, KeyBox>();
  wraps: WrapBytes[] = [];
  archive: ArchiveBytes[] = [];
  readonly offers = new Map<string, { request: Bytes; mac: Bytes; answer: { body: Bytes; mac: Bytes } | null }>();
  /** `space:epoch` of seals that a rotation has replaced by wraps. */
  readonly wrapped = new Set<string>();
  /** Whether devices whose seal is old may be left without a box. */
  isStaleForgiven = false;
  /** The account's own log. */
  readonly log: LogEvent[] = [];

  constructor(person: Identity['person'], link: MemberLinkBytes, key: LinkBytes) {
    this.person = person;
    this.links = [link];
    this.keys = [key];
  }

  get generation(): number {
    return this.keys.length;
  }

  get identity(): Identity {
    const key = this.keys.at(-1);
    if (!key) throw new Error('A member has a key.');
    return { person: this.person, links: [...this.links], key };
  }

  chain(): Promise<MemberChain> {
    return verifyMemberChain(fromHex(this.person.id), this.links);
  }

  keyBox(device: string): KeyBox | null {
    return this.boxes.get(device) ?? null;
  }

  entry(device: string, answer: Entry['answer'] = null): Entry {
    const last = this.log.at(-1);
    return { identity: this.identity, keyBox: this.keyBox(device), answer, account: { head: last?.seq ?? LOG_START.n, headHash: last?.logHash ?? LOG_START.hash } };
  }

  async add(device: string, made: { link: MemberLinkBytes; seal: LinkBytes; box: Bytes; generation: number }): Promise<void> {
    if (made.generation !== this.generation) refuse('GENERATION_CONFLICT');
    const chain = await verifyMemberChain(fromHex(this.person.id), [...this.links, made.link]).catch(() => refuse('CHAIN_CONFLICT'));
    const entry = activeDevices(chain).find((one) => toHex(one.device) === device);
    if (!entry) refuse('FORBIDDEN');
    await verifyDeviceSeal(fromHex(this.person.id), entry.device, entry.dk, made.seal);
    this.links.push(made.link);
    this.seals.set(device, made.seal);
    this.boxes.set(device, { generation: this.generation, box: made.box });
  }

  recover(device: string, made: RecoveryBytes): Promise<void> {
    return this.add(device, made);
  }

  async answer(linkId: Bytes, made: AnswerBytes): Promise<void> {
    const offer = this.offers.get(toHex(linkId));
    if (!offer) refuse('NOT_FOUND');
    if (offer.answer) refuse('ID_CONFLICT');
    await this.add(made.device, made);
    offer.answer = { body: made.answer, mac: made.mac };
  }

  publish(device: string, { seal, generation }: SealBytes): void {
    if (generation !== this.generation) refuse('GENERATION_CONFLICT');
    const known = this.seals.get(device);
    if (known && parseDeviceSeal(seal.body).k !== parseDeviceSeal(known.body).k + 1 && !equal(known.body, seal.body)) refuse('CHAIN_CONFLICT');
    this.seals.set(device, seal);
  }

  shownSeals(): { device: string; body: Bytes; signature: Bytes }[] {
    return [...this.seals].map(([device, seal]) => ({ device, ...seal }));
  }
}

export class DeviceWorld extends World {
  readonly accounts = new Map<string, Account>();

  account(person: Person): Account {
    const found = this.accounts.get(person.id);
    if (!found) throw new Error(`${person.name} has no account.`);
    return found;
  }

  override identities(ids: string[]): Identity[] {
    return ids.flatMap((id) => this.accounts.get(id)?.identity ?? []);
  }

  /** A new member with one device and the words of the recovery key. */
  async signUp(name: string): Promise<{ device: Person; words: string[] }> {
    const keeper = new LocalKeeper();
    const { database, ticket } = await place(keeper, name);
    const made = await keeper.makeAccount({
      ticket, handle: name, displayName: name, deviceName: 'test', database, inviter: null, fragment: joinFragment({ token: new Uint8Array(16), pin: null }),
    });
    await keeper.keepAccount(made.member, { handle: name, displayName: name });
    const person = { id: made.member, node: `node-${name}`, handle: name, displayName: name, serverRole: 'MEMBER' as const };
    await keeper.rememberMe(person);
    const account = new Account(person, made.identity, made.memberKey);
    account.seals.set(made.device, made.deviceSeal);
    for (const { device, box } of made.boxes) account.boxes.set(toHex(device), { generation: 1, box });
    this.accounts.set(made.member, account);
    const { space } = parseRosterLink(made.account.body);
    const item = await hBody('roster', made.account.body);
    const logHash = await nextHash(LOG_START.hash, 1, item);
    const id = toHex(space);
    account.log.push({ space: id, node: `node-${id}`, isAccount: true, seq: 1, item, logHash, acceptedAt: Date.now(), body: { kind: 'roster', ...made.account } });
    await keeper.apply(account.log, null);
    const device = new Person(name, keeper, account.identity, { member: made.member, device: made.device, wrapped: made.wrapped, database });
    this.people.push(device);
    return { device, words: made.words };
  }

  /** A device without keys, signed in as this member. */
  async blank(of: Person): Promise<{ keeper: LocalKeeper; place: { member: string; ticket: string; database: string } }> {
    const keeper = new LocalKeeper();
    return { keeper, place: { member: of.id, ...(await place(keeper, of.name)) } };
  }

  /** The device as a person of this world, in all conversations that the member has. */
  async arrive(of: Person, keeper: LocalKeeper, made: { device: string; wrapped: Bytes }, database: string): Promise<Person> {
    const { identity, log } = this.account(of);
    await keeper.rememberMe(identity.person);
    await keeper.apply(log, null);
    const device = new Person(`${of.name}-${made.device.slice(0, 4)}`, keeper, identity, { member: of.id, ...made, database });
    for (const [id, space] of this.spaces) if (this.isSeated(space, of)) await this.open(device, id);
    return device;
  }

  isSeated(space: Space, person: { id: string }): boolean {
    const newest = space.epochs.at(-1);
    return newest !== undefined && parseRecipients(newest.recipients).some(({ member }) => toHex(member) === person.id);
  }

  /** Links a new device by the code that it shows. */
  async link(by: Person, code: 'words' | 'qr' = 'words'): Promise<Person> {
    const account = this.account(by);
    const { keeper, place: at } = await this.blank(by);
    const { offer, device, wrapped } = await keeper.makeOffer(at);
    account.offers.set(toHex(offer.linkId), { request: offer.request, mac: offer.mac, answer: null });
    const shown = code === 'words' ? offer.words.join(' ') : offer.qr;
    const found = account.offers.get(toHex(await by.keeper.readCode(shown)));
    if (!found) throw new Error('The code names no offer.');
    await by.keeper.learnIdentities([account.identity]);
    await account.answer(offer.linkId, await by.keeper.answerOffer(shown, found));
    await keeper.enter(account.entry(device, found.answer));
    return this.arrive(by, keeper, { device, wrapped }, at.database);
  }

  async recover(of: Person, words: string[]): Promise<Person> {
    const account = this.account(of);
    const { keeper, place: at } = await this.blank(of);
    const box = account.keyBox(PAPER);
    if (!box) throw new Error('There is a box for the recovery key.');
    const { device, wrapped, request } = await keeper.makeRecovery({ ...at, words, identity: account.identity, box });
    await account.recover(device, request);
    await keeper.enter(account.entry(device));
    return this.arrive(of, keeper, { device, wrapped }, at.database);
  }

  // ---- rotation, in the steps that an engine takes; between any two of them everything may crash

  /** The own chain and newest key, and M from this device's box. */
  async follow(device: Person): Promise<void> {
    const account = this.account(device);
    device.take(await device.keeper.learnIdentities([account.identity]));
    const { generation, newest } = await device.keeper.ownKeys();
    if (newest > generation) await device.keeper.takeKey(account.keyBox(device.account.device));
  }

  /** Publishes the next seal where there is one, and destroys what came before on the answer. */
  async publish(device: Person, isWanted = false): Promise<void> {
    const next = await device.keeper.nextSeal(isWanted);
    if (!next) return;
    this.account(device).publish(device.account.device, next);
    await device.keeper.sealPublished(next.seal);
  }

  async make(device: Person, input: Partial<RotationInput> = {}): Promise<RotationBytes> {
    const account = this.account(device);
    for (let wanted = await device.keeper.beforeRotation(); wanted.length > 0; wanted = await device.keeper.beforeRotation()) {
      for (const { space, number } of wanted) await device.keeper.learnEpoch(space, number, this.epochFor(device, space, number));
    }
    const ask = async () => device.keeper.makeRotation({ seals: account.shownSeals(), required: await this.required(device.id), ...input });
    try {
      return await ask();
    } catch (error) {
      if (codeOf(error) !== 'WRAPS_NEEDED') throw error;
      await this.showWraps(device);
      return ask();
    }
  }

  async showWraps(device: Person): Promise<void> {
    const account = this.account(device);
    await device.keeper.learnMemberKeys(device.id, account.keys);
    await device.keeper.learnWraps(account.archive, account.wraps);
  }

  async rotate(device: Person, change?: RotationChange): Promise<void> {
    await this.follow(device);
    await this.rotateMemberKey(device.id, await this.make(device, change ? { change } : {}));
    await this.follow(device);
    await this.publish(device);
  }

  override async satisfy(person: Person, ask: () => Promise<Needs>): Promise<void> {
    for (let round = 0; round < 6; round += 1) {
      const { members, epochs, ownKey, wraps } = await ask();
      if (members.length + epochs.length === 0 && !ownKey && !wraps) return;
      if (ownKey) await this.follow(person);
      if (wraps) await this.showWraps(person);
      person.take(await person.keeper.learnIdentities(this.identities(members)));
      for (const { space, number } of epochs) await person.keeper.learnEpoch(space, number, this.epochFor(person, space, number));
    }
  }

  /** What a rotation made now must wrap, as the server's query says it (docs/decisions/0071). */
  async required(member: string): Promise<RequiredWrap[]> {
    const account = this.accounts.get(member);
    const found: RequiredWrap[] = [];
    for (const space of this.spaces.values()) {
      for (const epoch of space.epochs) {
        const row = parseRecipients(epoch.recipients).findIndex((one) => toHex(one.member) === member);
        const isSealed = row !== -1 && !account?.wrapped.has(`${space.id}:${epoch.number}`);
        const isOpen = epoch === space.epochs.at(-1);
        for (let b = 0; b < 7; b += 1) {
          const isNeededYet = isOpen || (await isLiving(space, epoch.number, b));
          const wrap = account?.wraps.find((one) => one.space === space.id && one.epoch === epoch.number && one.branch === b);
          const isNeeded = b === 0 ? isSealed && !wrap : (isSealed || wrap) && isNeededYet;
          if (isNeeded) found.push({ space: space.id, epoch: epoch.number, branch: b, announcement: epoch.announcement, seal: isSealed ? (epoch.seals[row] ?? null) : null });
        }
      }
    }
    return found;
  }

  /** `rotateMemberKey`: all or nothing. */
  async rotateMemberKey(member: string, made: RotationBytes): Promise<void> {
    const account = this.accounts.get(member);
    if (!account) refuse('NOT_FOUND');
    if (account.keys.some(({ body }) => equal(body, made.memberKey.body))) return;
    const links = made.link ? [...account.links, made.link] : account.links;
    const chain = await verifyMemberChain(fromHex(member), links).catch(() => refuse('CHAIN_CONFLICT'));
    const key = await verifyMemberKey(chain, made.memberKey).catch(() => refuse('FORBIDDEN'));
    if (key.generation !== account.generation + 1 || key.head.n !== chain.n) refuse('GENERATION_CONFLICT');
    const isReset = made.link !== null && parseMemberLink(made.link.body).statement.kind === 4;
    const seals = new Map(account.seals);
    if (isReset && made.seal) seals.set(toHex(parseDeviceSeal(made.seal.body).device), made.seal);
    for (const { device } of activeDevices(chain)) {
      const box = made.boxes.find((one) => equal(one.device, device));
      const seal = seals.get(toHex(device));
      if (!box && account.isStaleForgiven) continue;
      if (!box || !seal || box.seal !== parseDeviceSeal(seal.body).k) refuse('REWRAP_INCOMPLETE');
    }
    if (!made.boxes.some((one) => toHex(one.device) === PAPER)) refuse('REWRAP_INCOMPLETE');
    const given = new Set(made.wraps.map(({ space, epoch, branch }) => `${space}:${epoch}:${branch}`));
    const required = isReset ? [] : await this.required(member);
    if (required.some(({ space, epoch, branch }) => !given.has(`${space}:${epoch}:${branch}`))) refuse('REWRAP_INCOMPLETE');
    account.links = [...links];
    account.keys.push(made.memberKey);
    for (const [device, seal] of seals) account.seals.set(device, seal);
    account.boxes = new Map(made.boxes.map(({ device, box }) => [toHex(device), { generation: key.generation, box }]));
    const generation = key.generation;
    const isArchived = (one: { space: string; epoch: number; branch: number }) => one.branch === 0 && account.wraps.some((w) => w.space === one.space && w.epoch === one.epoch && w.branch === 0);
    account.wraps = isReset ? [] : [...account.wraps.filter(({ branch }) => branch === 0), ...made.wraps.filter((one) => !isArchived(one)).map((one) => ({ ...one, generation }))];
    if (made.archive) account.archive.push({ generation: generation - 1, wrap: made.archive });
    else account.archive = [];
    for (const space of this.spaces.values()) {
      for (const { number, recipients } of space.epochs) if (parseRecipients(recipients).some((row) => toHex(row.member) === member)) account.wrapped.add(`${space.id}:${number}`);
      space.grants.splice(0, space.grants.length, ...space.grants.filter(({ to }) => to !== member));
      if (made.link && this.isSeated(space, { id: member })) await this.memberLink(space.id, made.link);
    }
  }

  override epochFor(person: Person, id: string, number: number): EpochBytes | null {
    const found = super.epochFor(person, id, number);
    const isWrapped = this.accounts.get(person.id)?.wrapped.has(`${id}:${number}`) ?? false;
    return found && isWrapped ? { ...found, seal: null } : found;
  }
}

/** Whether an envelope of this class lives under this epoch; what has expired the server has deleted. */
async function isLiving(space: Space, epoch: number, b: number): Promise<boolean> {
  const lifetime = LIFETIMES[b] ?? Infinity;
  for (const { body, acceptedAt } of space.events) {
    if (body.kind !== 'envelope' || !body.envelope) continue;
    const { header } = await parseEnvelope(body.envelope);
    if (header.epoch.n === epoch && header.b === b && acceptedAt + lifetime > Date.now()) return true;
  }
  return false;
}

async function place(keeper: LocalKeeper, name: string): Promise<{ database: string; ticket: string }> {
  count += 1;
  const { ticket } = await keeper.stretch(PASSWORD, PARAMETERS);
  return { ticket, database: `devices-${name}-${count}` };
}
