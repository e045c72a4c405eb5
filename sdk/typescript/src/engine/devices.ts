/** This member's devices: who they are, letting one in, taking one out. */
import type { AnswerBytes, Keeper } from '../crypto';
import { CircleFailure, codeOf, isUncertain } from '../errors';
import type { DeviceActions, DeviceInfo, LinkRequest, PendingLink } from '../types';
import { backoff, pause } from '../transport/backoff';
import type { Bytes } from '../bytes';
import type { Account } from './account';
import type { DeviceApi, OfferFacts } from './deviceApi';
import type { Enrolment } from './enrolment';
import type { Keys } from './keys';
import type { Rotation } from './rotation';
import type { Succession } from './succession';
import type { Board } from '../state/board';

const TRIES = 8;
const LONGEST_NAME = 120;
const CHANGED = new Set(['CHAIN_CONFLICT', 'GENERATION_CONFLICT', 'STALE_DEVICE', 'ID_CONFLICT', 'KEYS_BEHIND']);
const UNKNOWN = new CircleFailure('LINK_NOT_FOUND', 'No device waits with these words. They are valid for five minutes: show new ones there, and try again.');

interface Read {
  code: string;
  linkId: Bytes;
  offer: OfferFacts;
}

export class Devices implements DeviceActions {
  readonly #api: DeviceApi;
  readonly #keeper: Keeper;
  readonly #keys: Keys;
  readonly #rotation: Rotation;
  readonly #enrolment: Enrolment;
  readonly #account: Account;
  readonly #succession: Succession;
  readonly #board: Board;
  readonly #read = new WeakMap<LinkRequest, Read>();

  constructor(parts: { api: DeviceApi; keeper: Keeper; keys: Keys; rotation: Rotation; enrolment: Enrolment; account: Account; succession: Succession; board: Board }) {
    this.#api = parts.api;
    this.#keeper = parts.keeper;
    this.#keys = parts.keys;
    this.#rotation = parts.rotation;
    this.#enrolment = parts.enrolment;
    this.#account = parts.account;
    this.#succession = parts.succession;
    this.#board = parts.board;
  }

  /** Those that the own chain names: the server cannot add one. */
  async list(): Promise<DeviceInfo[]> {
    return (await this.#all()).map(({ info }) => info);
  }

  async rename(id: string, name: string): Promise<void> {
    const tidy = name.normalize('NFC').trim();
    if (tidy === '' || Array.from(tidy).length > LONGEST_NAME) throw new CircleFailure('INVALID', 'A device’s name has 1 to 120 characters.');
    await this.#api.rename(id, tidy);
  }

  async revoke(id: string): Promise<void> {
    const found = (await this.#all()).find(({ info }) => info.id === id);
    if (!found) return;
    if (found.info.isCurrent) throw new CircleFailure('INVALID', 'This is the device that you are using. Sign out here instead.');
    await this.#remove(found.device);
  }

  async #remove(device: string): Promise<void> {
    await this.#rotation.rotate({ what: 'revoke', device }, ({ devices }) => !devices.includes(device));
  }

  async #all(): Promise<{ device: string; info: DeviceInfo }[]> {
    const own = await this.#keys.takeNewest();
    const shown = (await this.#api.devices()).filter(({ id }) => own.devices.includes(id));
    return shown.map(({ id: device, node, name, platform, createdAt, lastSeenAt }) => ({
      device,
      info: { id: node, name, platform, createdAt, lastSeenAt, isCurrent: device === own.device },
    }));
  }

  /** The device that this browser was before its keys were lost: taken out where that is certain, else the person is told. */
  async replaceLost(): Promise<void> {
    const lost = this.#account.current?.lost;
    if (!lost) return;
    const found = (await this.#all()).find(({ device }) => device === lost.device);
    if (found && !found.info.isCurrent) {
      if (lost.isCertain) await this.#remove(lost.device);
      else this.#board.setNotice(`“${found.info.name}” is probably this browser as it was before its keys were lost. If so, remove it from the list of your devices.`);
    }
    await this.#succession.forgetLost();
  }

  // ---- linking

  offer(): Promise<PendingLink> {
    return this.#enrolment.offer();
  }

  async read(wordsOrQr: string): Promise<LinkRequest> {
    const linkId = await this.#keeper.readCode(wordsOrQr);
    const offer = await this.#api.findOffer(linkId);
    if (!offer) throw UNKNOWN;
    if (offer.answer) throw new CircleFailure('LINK_USED', 'This request has been answered already.');
    await this.#keeper.checkOffer(wordsOrQr, offer);
    const request: LinkRequest = { deviceName: offer.deviceName, expiresAt: offer.expiresAt };
    this.#read.set(request, { code: wordsOrQr, linkId, offer });
    return request;
  }

  async answer(request: LinkRequest): Promise<void> {
    const read = this.#read.get(request);
    if (!read) throw new CircleFailure('LINK_USED', 'This request has been answered already.');
    await this.#rotation.alone(() => this.#answer(read));
    this.#read.delete(request);
  }

  /** On the chain as it is now, again where something else came first. */
  async #answer({ code, linkId, offer }: Read): Promise<void> {
    let made: AnswerBytes | null = null;
    for (let attempt = 0; ; attempt += 1) {
      const own = await this.#keys.takeNewest();
      // A try whose answer was lost had gone through.
      if (made !== null && own.devices.includes(made.device)) return;
      try {
        made = await this.#keeper.answerOffer(code, offer);
        await this.#api.answer(linkId, made);
        return;
      } catch (error) {
        const reason = codeOf(error);
        if (reason === 'NOT_FOUND') throw UNKNOWN;
        if ((!CHANGED.has(reason) && !isUncertain(error)) || attempt >= TRIES) throw error;
        await pause(backoff(attempt, 200, 5_000));
      }
    }
  }
}
