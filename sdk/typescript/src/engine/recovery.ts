/** The recovery key: what it opens, how it is replaced, and what follows when everything is lost. */
import type { Keeper } from '../crypto';
import { CircleFailure, codeOf } from '../errors';
import type { Board } from '../state/board';
import type { PendingRecoveryKey, RecoveryActions } from '../types';
import { backoff, pause } from '../transport/backoff';
import type { Account } from './account';
import type { Api } from './api';
import type { DeviceApi } from './deviceApi';
import type { Enrolment } from './enrolment';
import type { Rotation } from './rotation';

const TRIES = 4;

export class Recovery implements RecoveryActions {
  readonly #api: Api;
  readonly #devices: DeviceApi;
  readonly #keeper: Keeper;
  readonly #account: Account;
  readonly #rotation: Rotation;
  readonly #enrolment: Enrolment;
  readonly #board: Board;
  readonly #renewed = new WeakMap<PendingRecoveryKey, string>();

  constructor(parts: { api: Api; devices: DeviceApi; keeper: Keeper; account: Account; rotation: Rotation; enrolment: Enrolment; board: Board }) {
    this.#api = parts.api;
    this.#devices = parts.devices;
    this.#keeper = parts.keeper;
    this.#account = parts.account;
    this.#rotation = parts.rotation;
    this.#enrolment = parts.enrolment;
    this.#board = parts.board;
  }

  recover(words: string[]): Promise<void> {
    return this.#enrolment.recover(words);
  }

  async renew(): Promise<PendingRecoveryKey> {
    const { key, words } = await this.#keeper.makeRecoveryKey();
    const pending: PendingRecoveryKey = { words };
    this.#renewed.set(pending, key);
    return pending;
  }

  /** From now on the new key is in force; the old one opens nothing any more. */
  async confirm(pending: PendingRecoveryKey): Promise<void> {
    const key = this.#renewed.get(pending);
    if (key === undefined) throw new CircleFailure('NOT_PENDING', 'This recovery key is in force already, or was not made here.');
    await this.#rotation.rotate({ what: 'recovery', key }, () => this.#keeper.isRecoveryKey(pending.words));
    this.#renewed.delete(pending);
    await this.acknowledge(pending.words);
  }

  async acknowledge(words: string[]): Promise<void> {
    if (!(await this.#keeper.isRecoveryKey(words))) {
      throw new CircleFailure('WRONG_RECOVERY_KEY', 'These are the words of another recovery key, not of the one in force. An older one may have been replaced.');
    }
    await this.#account.note({ isKeyConfirmed: true, isKeyTold: false });
    this.#board.setKeyConfirmed(true);
  }

  reset(password: string): Promise<PendingRecoveryKey> {
    return this.#enrolment.reset(password);
  }

  confirmReset(pending: PendingRecoveryKey): Promise<void> {
    return this.#enrolment.confirmReset(pending);
  }

  /** After a reset the member's own space takes the new identity (docs/decisions/0011). */
  async readmit(): Promise<void> {
    if (this.#account.current?.mustReadmit !== true) return;
    for (let attempt = 0; ; attempt += 1) {
      const { space, links, epoch } = await this.#devices.accountRoster();
      try {
        await this.#api.changeRoster(await this.#keeper.readmitAccount(space, links, epoch));
        break;
      } catch (error) {
        if (codeOf(error) === 'ALREADY') break;
        if (codeOf(error) !== 'CHAIN_CONFLICT' || attempt >= TRIES) throw error;
        await pause(backoff(attempt, 200, 5_000));
      }
    }
    await this.#account.note({ mustReadmit: false });
  }
}
