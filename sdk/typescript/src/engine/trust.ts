/** Who is who, and what to do about alarms. */
import type { Keeper } from '../crypto';
import { kindOf } from '../crypto/machine/alarmWords';
import { CircleFailure } from '../errors';
import type { Board } from '../state/board';
import { accountAlarmText } from '../state/words';
import type { Alarm, Offered, SafetyNumber, TrustActions } from '../types';
import type { AccountSpace } from './accountSpace';
import { ACCOUNT, type Alarms } from './alarms';
import type { Conversations } from './conversations';
import type { Learner } from './learner';

export class Trust implements TrustActions {
  readonly #keeper: Keeper;
  readonly #learner: Learner;
  readonly #account: AccountSpace;
  readonly #conversations: Conversations;
  readonly #board: Board;
  readonly #alarms: Alarms;

  constructor(parts: { keeper: Keeper; learner: Learner; accountSpace: AccountSpace; conversations: Conversations; alarms: Alarms; board: Board }) {
    this.#keeper = parts.keeper;
    this.#learner = parts.learner;
    this.#account = parts.accountSpace;
    this.#conversations = parts.conversations;
    this.#alarms = parts.alarms;
    this.#board = parts.board;
  }

  async safetyNumber(person: string): Promise<SafetyNumber> {
    return this.#keeper.safetyNumber(await this.#known(person));
  }

  async setVerified(person: string, verified: boolean): Promise<void> {
    const member = await this.#known(person);
    await this.#keeper.setVerified(member, verified);
    await this.#told();
  }

  async compare(person: string, qr: string): Promise<boolean> {
    const fits = await this.#keeper.compareSafety(await this.#known(person), qr);
    if (fits) await this.#told();
    return fits;
  }

  async readmit(conversation: string, person: string): Promise<void> {
    await this.#conversations.readmit(conversation, await this.#known(person));
    await this.#told();
  }

  async alarm(conversation: string): Promise<Alarm | null> {
    const alarm = await this.#alarms.of(conversation);
    if (!alarm) return null;
    const text = conversation === ACCOUNT ? accountAlarmText(alarm.text) : alarm.text;
    return { ...alarm, text, isListed: kindOf(alarm.text) !== 'omitted' };
  }

  async offerMissing(conversation: string): Promise<Offered> {
    const { space, given, head, refused } = await this.#alarms.offer(conversation);
    const view = this.#board.viewOf(space);
    const lines = this.#board.linesOf(space);
    const reached = !view || view.alarm === null ? Infinity : head;
    return {
      taken: given.length,
      given: lines.filter(({ seq }) => seq !== null && given.includes(seq)),
      lacking: Math.max(0, (view?.head ?? 0) - reached),
      missing: lines.filter(({ seq }) => seq !== null && seq > reached),
      refused,
    };
  }

  async acceptState(conversation: string): Promise<void> {
    await this.#alarms.accept(conversation);
    await this.#told();
  }

  /** The member behind a person's id, with the chain as the server shows it now. Throws NOT_FOUND. */
  async #known(person: string): Promise<string> {
    const member = this.#board.memberOf(person);
    if (member === undefined) throw new CircleFailure('NOT_FOUND', 'This person is not known here.');
    await this.#learner.learnMembers([member]);
    return member;
  }

  /** Shown at once, and told to the member's other devices. */
  async #told(): Promise<void> {
    await this.#account.refresh();
    await this.#keeper.queuePins();
    await this.#account.push();
  }
}
