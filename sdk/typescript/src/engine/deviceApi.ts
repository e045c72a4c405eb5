/** The operations on devices and their keys as calls with plain values. */
import { fromBase64, fromHex, toBase64, toHex, type Bytes } from '../bytes';
import type { AnswerBytes, ArchiveBytes, KeyBox, LinkBytes, MemberLinkBytes, OfferBytes, RecoveryBytes, RequiredWrap, RotationBytes, SealBytes, WrapBytes } from '../crypto';
import { CircleFailure } from '../errors';
import * as gql from '../gql/generated';
import type { Http } from '../transport/http';
import { refuseErrors } from './api';
import { signedInput, toLink } from './convert';

/** What the server tells of a device. */
export interface DeviceFacts {
  node: string;
  /** The 16 raw bytes, as hex. */
  id: string;
  name: string;
  platform: string | null;
  createdAt: number;
  lastSeenAt: number | null;
  seal: LinkBytes;
}

/** A new device's request, and the answer once there is one. */
export interface OfferFacts {
  request: Bytes;
  mac: Bytes;
  deviceName: string;
  expiresAt: number;
  answer: { body: Bytes; mac: Bytes } | null;
}

/** What a device is called, and what it runs on. */
export interface DeviceLabel {
  name: string;
  platform: string | null;
}

/** REWRAP_INCOMPLETE; `boxes`: hex ids of the devices without a box, or with one for an old seal. */
export class Incomplete extends CircleFailure {
  readonly boxes: readonly string[];
  /** There are grants that were not named. */
  readonly lacksGrants: boolean;

  constructor(message: string, boxes: readonly string[], lacksGrants: boolean) {
    super('REWRAP_INCOMPLETE', message);
    this.boxes = boxes;
    this.lacksGrants = lacksGrants;
  }
}

const PAGES = 1_000;
/** The server takes no more names of grants in one rotation. */
const MOST_GRANTS = 10_000;
const SIGN_IN = new CircleFailure('UNAUTHENTICATED', 'Please sign in again.');

function memberLink(link: MemberLinkBytes): gql.MemberLinkInput {
  return { ...signedInput(link), cosignature: link.cosignature ? toBase64(link.cosignature) : null };
}

function box(found: { generation: number; box: string } | null | undefined): KeyBox | null {
  return found ? { generation: found.generation, box: fromBase64(found.box) } : null;
}

function refuse(errors: gql.ErrorFieldsFragment[]): void {
  const [error] = errors;
  if (error?.__typename === 'RewrapIncompleteError') {
    throw new Incomplete(error.message, error.missingBoxes.map((id) => toHex(fromBase64(id))), error.path.at(-1) === 'grants');
  }
  refuseErrors(errors);
}

/** Reads all pages of a list. */
async function all<N, T>(page: (after: string | null) => Promise<{ nodes: N[]; pageInfo: { hasNextPage: boolean; endCursor?: string | null } }>, take: (node: N) => T): Promise<T[]> {
  const found: T[] = [];
  let after: string | null = null;
  for (let count = 0; count < PAGES; count += 1) {
    const { nodes, pageInfo } = await page(after);
    found.push(...nodes.map(take));
    if (!pageInfo.hasNextPage) return found;
    after = pageInfo.endCursor ?? null;
  }
  throw new CircleFailure('SERVER', 'The server had a problem. Please try again in a moment.');
}

export class DeviceApi {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** The active devices of this member as the server shows them. */
  async devices(): Promise<DeviceFacts[]> {
    const { viewer } = await this.#http.ask(gql.MyDevicesDocument, {});
    if (!viewer) throw SIGN_IN;
    return viewer.member.devices.map((device) => ({
      node: device.id,
      id: toHex(fromBase64(device.protocolId)),
      name: device.name,
      platform: device.platform ?? null,
      createdAt: Date.parse(device.createdAt),
      lastSeenAt: device.lastSeenAt ? Date.parse(device.lastSeenAt) : null,
      seal: { body: fromBase64(device.seal), signature: fromBase64(device.sealSignature) },
    }));
  }

  async rename(deviceId: string, name: string): Promise<void> {
    const { renameDevice } = await this.#http.ask(gql.RenameDeviceDocument, { input: { deviceId, name } });
    refuseErrors(renameDevice.errors);
  }

  /** The newest box for this session's device. */
  async keyBox(): Promise<KeyBox | null> {
    const { viewer } = await this.#http.ask(gql.MyKeyBoxDocument, {});
    if (!viewer) throw SIGN_IN;
    return box(viewer.keyBox);
  }

  /** The newest box for the recovery key. */
  async recoveryBox(): Promise<KeyBox | null> {
    const { viewer } = await this.#http.ask(gql.MyRecoveryBoxDocument, {});
    if (!viewer) throw SIGN_IN;
    return box(viewer.recoveryBox);
  }

  /** All generations of a member's key, ascending. */
  memberKeys(id: string): Promise<LinkBytes[]> {
    return all(async (after) => {
      const { node } = await this.#http.ask(gql.MemberKeysDocument, { id, after });
      return node?.__typename === 'Member' ? node.keys : { nodes: [], pageInfo: { hasNextPage: false } };
    }, toLink);
  }

  /** What rotations carried over. */
  wraps(): Promise<WrapBytes[]> {
    return all(
      async (after) => {
        const { viewer } = await this.#http.ask(gql.MyWrapsDocument, { after });
        if (!viewer) throw SIGN_IN;
        return viewer.wraps;
      },
      ({ space, epoch, branch, generation, wrap }) => ({ space: toHex(fromBase64(space)), epoch, branch, generation, wrap: fromBase64(wrap) }),
    );
  }

  archive(): Promise<ArchiveBytes[]> {
    return all(
      async (after) => {
        const { viewer } = await this.#http.ask(gql.MyArchiveDocument, { after });
        if (!viewer) throw SIGN_IN;
        return viewer.archive;
      },
      ({ generation, wrap }) => ({ generation, wrap: fromBase64(wrap) }),
    );
  }

  /** What a rotation made now must wrap, as the server sees it. */
  required(): Promise<RequiredWrap[]> {
    return all(
      async (after) => {
        const { viewer } = await this.#http.ask(gql.RotationRequiresDocument, { after });
        if (!viewer) throw SIGN_IN;
        return viewer.rotationRequires;
      },
      ({ space, epoch, branch, announcement, seal }) => ({
        space: toHex(fromBase64(space)),
        epoch,
        branch,
        announcement: announcement ? fromBase64(announcement) : null,
        seal: seal ? fromBase64(seal) : null,
      }),
    );
  }

  /** The own space's roster from link 0, and the announcement of its newest epoch. */
  async accountRoster(): Promise<{ space: string; links: LinkBytes[]; epoch: Bytes | null }> {
    let account: { protocolId: string; currentEpoch?: { announcement: string } | null } | null = null;
    const links = await all(async (after) => {
      const { viewer } = await this.#http.ask(gql.AccountRosterDocument, { after });
      if (!viewer) throw SIGN_IN;
      account = viewer.account;
      return viewer.account.rosterLinks;
    }, toLink);
    const found = account as { protocolId: string; currentEpoch?: { announcement: string } | null } | null;
    if (!found) throw SIGN_IN;
    return { space: toHex(fromBase64(found.protocolId)), links, epoch: found.currentEpoch ? fromBase64(found.currentEpoch.announcement) : null };
  }

  // ---- linking and recovery: the same bytes again give the first result

  async offer({ linkId, request, mac }: OfferBytes, { name, platform }: DeviceLabel): Promise<{ expiresAt: number }> {
    const { offerDevice } = await this.#http.ask(gql.OfferDeviceDocument, {
      input: { linkId: toBase64(linkId), request: toBase64(request), mac: toBase64(mac), deviceName: name, platform },
    });
    refuseErrors(offerDevice.errors);
    if (!offerDevice.offer) throw new CircleFailure('SERVER', 'The server did not take the request. Please try again.');
    return { expiresAt: Date.parse(offerDevice.offer.expiresAt) };
  }

  /** An offer of this member's; null when there is none (any more). */
  async findOffer(linkId: Bytes, signal?: AbortSignal): Promise<OfferFacts | null> {
    const { viewer } = await this.#http.ask(gql.MyDeviceOfferDocument, { linkId: toBase64(linkId) }, signal);
    if (!viewer) throw SIGN_IN;
    const offer = viewer.deviceOffer;
    if (!offer) return null;
    return {
      request: fromBase64(offer.request),
      mac: fromBase64(offer.mac),
      deviceName: offer.deviceName,
      expiresAt: Date.parse(offer.expiresAt),
      answer: offer.answer && offer.answerMac ? { body: fromBase64(offer.answer), mac: fromBase64(offer.answerMac) } : null,
    };
  }

  async answer(linkId: Bytes, made: AnswerBytes): Promise<void> {
    const { answerDevice } = await this.#http.ask(gql.AnswerDeviceDocument, {
      input: {
        linkId: toBase64(linkId),
        link: memberLink(made.link),
        deviceSeal: signedInput(made.seal),
        box: toBase64(made.box),
        answer: toBase64(made.answer),
        mac: toBase64(made.mac),
        generation: made.generation,
      },
    });
    refuseErrors(answerDevice.errors);
  }

  async recover(made: RecoveryBytes, { name, platform }: DeviceLabel): Promise<void> {
    const { recoverDevice } = await this.#http.ask(gql.RecoverDeviceDocument, {
      input: {
        link: memberLink(made.link),
        deviceSeal: signedInput(made.seal),
        deviceName: name,
        platform,
        box: toBase64(made.box),
        generation: made.generation,
      },
    });
    refuseErrors(recoverDevice.errors);
  }

  // ---- rotation

  /** The same member key again gives the first result. `label` comes with a reset alone. Throws Incomplete. */
  async rotate(made: RotationBytes, label: DeviceLabel | null = null): Promise<void> {
    const { rotateMemberKey } = await this.#http.ask(gql.RotateMemberKeyDocument, {
      input: {
        link: made.link ? memberLink(made.link) : null,
        deviceSeal: made.seal ? signedInput(made.seal) : null,
        deviceName: label?.name ?? null,
        platform: label?.platform ?? null,
        memberKey: signedInput(made.memberKey),
        boxes: made.boxes.map(({ device, seal, box: sealed }) => ({ device: toBase64(device), seal, box: toBase64(sealed) })),
        archive: made.archive ? toBase64(made.archive) : null,
        wraps: made.wraps.map(({ space, epoch, branch, wrap }) => ({ space: toBase64(fromHex(space)), epoch, branch, wrap: toBase64(wrap) })),
        grants: made.grants?.slice(0, MOST_GRANTS) ?? null,
      },
    });
    refuse(rotateMemberKey.errors);
  }

  async publishSeal({ seal, generation }: SealBytes): Promise<void> {
    const { publishDeviceSeal } = await this.#http.ask(gql.PublishDeviceSealDocument, { input: { deviceSeal: signedInput(seal), generation } });
    refuseErrors(publishDeviceSeal.errors);
  }
}
