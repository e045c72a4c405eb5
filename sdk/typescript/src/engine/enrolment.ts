/** A browser without keys becomes one of the member's devices: let in by another, by the recovery key, or by a reset. */
import type { Keeper, KeyBox, NewDevice, NewPlace, OfferBytes, RotationBytes } from '../crypto';
import { fromBase64 } from '../bytes';
import { asFailure, CircleFailure, codeOf, isUncertain } from '../errors';
import { Mutex } from '../mutex';
import type { Board } from '../state/board';
import { backoff, pause } from '../transport/backoff';
import type { PendingLink, PendingRecoveryKey } from '../types';
import type { Account } from './account';
import type { Api } from './api';
import type { DeviceApi } from './deviceApi';
import { deviceLabel } from './deviceLabel';
import type { Guest } from './held';
import { memberOf, type Session } from './session';
import type { SigningIn } from './signingIn';
import { freshDatabase } from './signUp';
import type { Succession } from './succession';

const TRIES = 6;
/** How long an offer is good, and how often its answer is asked for, in milliseconds. */
const OFFER = 5 * 60_000;
const POLL = 1_000;
/** The server ends the offer by its own clock. */
const MARGIN = 30_000;
const MOVED = new Set(['CHAIN_CONFLICT', 'GENERATION_CONFLICT']);
/** The server says for good that what was begun will not be taken. */
const REFUSED = new Set([...MOVED, 'FORBIDDEN', 'STALE_DEVICE', 'NOT_FOUND', 'MALFORMED', 'BAD_LINK', 'LINK_EXPIRED']);
const PATIENCE_WITH_SERVER = 2;

const CANCELLED = new CircleFailure('LINK_CANCELLED', 'Linking was stopped.');
const EXPIRED = new CircleFailure('LINK_EXPIRED', 'Nobody let this device in within five minutes. Please show new words.');
const BUSY = new CircleFailure('CHAIN_CONFLICT', 'Your other devices keep changing your keys. Please try again in a moment.');

type Answer = { body: Uint8Array<ArrayBuffer>; mac: Uint8Array<ArrayBuffer> } | null;

interface Reset {
  guest: Guest;
  place: NewPlace;
  made: NewDevice;
}

export class Enrolment {
  readonly #session: Session;
  readonly #api: Api;
  readonly #devices: DeviceApi;
  readonly #keeper: Keeper;
  readonly #account: Account;
  readonly #signingIn: SigningIn;
  readonly #succession: Succession;
  readonly #board: Board;
  readonly #prefix: string;
  readonly #open: () => Promise<void>;
  readonly #take: (member: string) => Promise<void>;
  readonly #lock = new Mutex();
  readonly #resets = new WeakMap<PendingRecoveryKey, Reset>();
  #waiting: AbortController | null = null;

  constructor(parts: {
    session: Session;
    api: Api;
    devices: DeviceApi;
    keeper: Keeper;
    account: Account;
    signingIn: SigningIn;
    succession: Succession;
    board: Board;
    databasePrefix: string;
    /** The keys are there: shows and follows the account. */
    open: () => Promise<void>;
    /** Makes this tab the one that acts for the member. */
    take: (member: string) => Promise<void>;
  }) {
    this.#session = parts.session;
    this.#api = parts.api;
    this.#devices = parts.devices;
    this.#keeper = parts.keeper;
    this.#account = parts.account;
    this.#signingIn = parts.signingIn;
    this.#succession = parts.succession;
    this.#board = parts.board;
    this.#prefix = parts.databasePrefix;
    this.#open = parts.open;
    this.#take = parts.take;
  }

  /** Stops asking; what was begun goes on at the next start. */
  stop(): void {
    this.#waiting?.abort();
    this.#waiting = null;
  }

  // ---- by another device

  /** Asks to be let in. A new offer takes the place of one that still waits. */
  async offer(): Promise<PendingLink> {
    return this.#begin(async () => {
      const guest = this.#succession.guest();
      await this.#claim(guest);
      const place = this.#place(guest);
      const { offer, ...made } = await this.#keeper.makeOffer(place);
      await this.#succession.begin(guest, { ...made, database: place.database });
      try {
        await this.#devices.offer(offer, deviceLabel());
      } catch (error) {
        await this.#drop();
        throw error;
      }
      const { done, cancel } = this.#wait(offer);
      return { words: offer.words, qr: offer.qr, expiresAt: Date.now() + OFFER, done, cancel };
    });
  }

  #wait(offer: OfferBytes): Pick<PendingLink, 'done' | 'cancel'> {
    const stop = new AbortController();
    this.#waiting = stop;
    const cancelled = new AbortController();
    const done = this.#letIn(offer, stop.signal, cancelled.signal);
    // Whoever shows the words listens; a listener that left is no failure.
    done.catch(() => undefined);
    return { done, cancel: () => { cancelled.abort(); } };
  }

  /** `stop`: the offer may go on elsewhere or later, or another took its place; `cancelled`: the person gave up. */
  async #letIn(offer: OfferBytes, stop: AbortSignal, cancelled: AbortSignal): Promise<void> {
    const giveUp = (error: unknown) => this.#lock.run(async () => {
      const device = this.#account.current?.device;
      if (!stop.aborted) await this.#drop();
      if (!stop.aborted && device !== undefined) await this.#succession.startOver(device);
      throw error;
    });
    const answer = await this.#answerTo(offer, AbortSignal.any([stop, cancelled])).catch((error: unknown) => {
      if (cancelled.aborted || REFUSED.has(codeOf(error))) return giveUp(error);
      throw error;
    });
    // Answered, it is one of the member's devices: giving up comes too late.
    await this.#lock.run(() => this.#enter(answer)).catch((error: unknown) => (codeOf(error) === 'BAD_LINK' ? giveUp(error) : Promise.reject(asFailure(error))));
  }

  async #answerTo({ linkId }: OfferBytes, stop: AbortSignal): Promise<Answer> {
    const until = Date.now() + OFFER + MARGIN;
    while (Date.now() < until) {
      await pause(POLL * (0.85 + Math.random() * 0.3), stop);
      if (stop.aborted) throw CANCELLED;
      try {
        const found = await this.#devices.findOffer(linkId, stop);
        if (!found) throw EXPIRED;
        if (found.answer) return found.answer;
      } catch (error) {
        // Without a network for a moment: the offer waits on the server.
        if (!isUncertain(error) && codeOf(error) !== 'RATE_LIMITED') throw error;
      }
    }
    throw EXPIRED;
  }

  // ---- by the recovery key

  /** Throws BAD_WORDS, WRONG_RECOVERY_KEY, UNTRUSTED. */
  async recover(words: string[]): Promise<void> {
    await this.#begin(async () => {
      const guest = this.#succession.guest();
      await this.#claim(guest);
      // A try whose answer was lost may have gone through: asked again, it gives the first result.
      if ((await this.#keeper.newcomer())?.how === 'recovery' && (await this.#goOn())) return;
      for (let attempt = 0; ; attempt += 1) {
        const box = await this.#devices.recoveryBox();
        if (!box) throw new CircleFailure('UNTRUSTED', 'The server hands out nothing that a recovery key opens.');
        if (await this.#recovered(guest, words, box, attempt)) return;
        await pause(backoff(attempt, 200, 5_000));
      }
    });
  }

  /** False where something else came first, and it is worth another try. */
  async #recovered(guest: Guest, words: string[], box: KeyBox, attempt: number): Promise<boolean> {
    const place = this.#place(guest);
    try {
      const identity = await this.#own(place.member);
      const { request, ...made } = await this.#keeper.makeRecovery({ ...place, words, identity, box });
      await this.#succession.begin(guest, { ...made, database: place.database });
      await this.#devices.recover(request, deviceLabel());
    } catch (error) {
      // Whether a request without an answer was done shows when it is sent again.
      if (isUncertain(error)) throw error;
      await this.#drop();
      // A box of before a rotation does not fit the chain of after it.
      const isBetween = codeOf(error) === 'UNTRUSTED' && attempt < PATIENCE_WITH_SERVER;
      if (!isBetween && (!MOVED.has(codeOf(error)) || attempt >= TRIES)) throw error;
      return false;
    }
    await this.#enter(null, { isKeyConfirmed: true });
    return true;
  }

  // ---- by a new identity

  /** Makes new keys; nothing of them is sent. Throws WRONG_PASSWORD. */
  async reset(password: string): Promise<PendingRecoveryKey> {
    return this.#begin(async () => {
      const guest = await this.#succession.confirmGuest(password);
      await this.#claim(guest);
      const place = this.#place(guest);
      const { words, ...made } = await this.#keeper.makeReset(place);
      const pending: PendingRecoveryKey = { words };
      this.#resets.set(pending, { guest, place, made });
      return pending;
    });
  }

  async confirmReset(pending: PendingRecoveryKey): Promise<void> {
    await this.#lock.run(async () => {
      const reset = this.#resets.get(pending);
      if (!reset) throw new CircleFailure('NOT_PENDING', 'This new beginning is no longer open. Please start it again.');
      let isStale = false;
      for (let attempt = 0; ; attempt += 1) {
        try {
          await this.#devices.rotate(await this.#resetRequest(reset, isStale), deviceLabel());
          break;
        } catch (error) {
          isStale = MOVED.has(codeOf(error));
          // Without an answer nobody knows whether it was done; these keys are kept until that is clear.
          if (isStale ? attempt >= TRIES : !REFUSED.has(codeOf(error))) throw isStale ? BUSY : error;
          if (!isStale) {
            await this.#drop();
            throw error;
          }
          await pause(backoff(attempt, 200, 5_000));
        }
      }
      this.#resets.delete(pending);
      await this.#enter(null, { isKeyConfirmed: true, mustReadmit: true });
    });
  }

  /** The request that waits already, or a new one on the chain as it is now; kept before it is sent. */
  async #resetRequest({ guest, place, made }: Reset, isStale: boolean): Promise<RotationBytes> {
    const waiting = await this.#keeper.newcomer();
    if (!isStale && waiting?.how === 'reset' && waiting.device === made.device) return waiting.request;
    const request = await this.#keeper.confirmReset(await this.#own(place.member));
    await this.#succession.begin(guest, { ...made, database: place.database });
    return request;
  }

  // ---- after a crash or a lost answer

  /** Goes on with what was begun before: the store is open and waits to be let in. False where it came to nothing. */
  resume(): Promise<boolean> {
    return this.#lock.run(async () => {
      const account = this.#account.current;
      if (!account) return false;
      await this.#take(account.member);
      await this.#signingIn.ensureAnySession();
      return this.#goOn();
    });
  }

  async #goOn(): Promise<boolean> {
    const newcomer = await this.#keeper.newcomer();
    try {
      switch (newcomer?.how) {
        case undefined:
          await this.#succession.settle();
          await this.#open();
          break;
        case 'link': {
          const found = await this.#devices.findOffer(newcomer.offer.linkId);
          if (!found) throw EXPIRED;
          if (found.answer) await this.#enter(found.answer);
          else {
            this.#board.setPhase('no-keys');
            this.#wait(newcomer.offer);
          }
          break;
        }
        case 'recovery':
          await this.#devices.recover(newcomer.request, deviceLabel());
          await this.#enter(null, { isKeyConfirmed: true });
          break;
        case 'reset':
          await this.#devices.rotate(newcomer.request, deviceLabel());
          await this.#enter(null, { isKeyConfirmed: true, mustReadmit: true });
      }
      return true;
    } catch (error) {
      if (!REFUSED.has(codeOf(error))) throw error;
      await this.#drop();
      return false;
    }
  }

  // ---- inside

  /** One beginning at a time; what waited before it is given up for it. */
  #begin<T>(task: () => Promise<T>): Promise<T> {
    return this.#lock.run(() => {
      this.stop();
      return task();
    });
  }

  async #enter(answer: Answer, changes: { isKeyConfirmed?: boolean; mustReadmit?: boolean } = {}): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      const viewer = await this.#session.viewer();
      if (!viewer) throw new CircleFailure('UNAUTHENTICATED', 'Please sign in again.');
      const { head, headHash } = viewer.account;
      const [identity, keyBox] = [await this.#own(memberOf(viewer)), await this.#devices.keyBox()];
      try {
        await this.#keeper.enter({ identity, keyBox, answer, account: { head, headHash: fromBase64(headHash) } });
        break;
      } catch (error) {
        const mayCome = codeOf(error) === 'NOT_LET_IN' || codeOf(error) === 'UNTRUSTED';
        if (!mayCome || attempt >= TRIES) throw error;
        await pause(backoff(attempt, 200, 5_000));
      }
    }
    await this.#succession.settle(changes);
    this.#board.setNotice(null);
    await this.#open();
  }

  async #drop(): Promise<void> {
    await this.#keeper.dropNewcomer();
    await this.#succession.abandon();
  }

  async #own(member: string) {
    const [identity] = await this.#api.identities([member]);
    if (!identity) throw new CircleFailure('UNTRUSTED', 'The server does not show the keys of this account.');
    return identity;
  }

  #place({ viewer, ticket }: Guest): NewPlace {
    return { member: memberOf(viewer), ticket, database: freshDatabase(this.#prefix) };
  }

  async #claim({ viewer }: Guest): Promise<void> {
    await this.#take(memberOf(viewer));
  }
}
