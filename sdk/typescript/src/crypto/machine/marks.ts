/** Who was verified in person, and whether the recovery key was written down: kept in the account space (e2ee.md section 12). */
import { CircleFailure } from '../../errors';
import type { SafetyView, AccountView } from '../trustKeeper';
import type { AccountContent } from '../protocol/account';
import { equal, fromHex, type Bytes } from '../protocol/bytes';
import { readSafetyQr, safetyNumber, safetyQr } from '../protocol/safety';
import type { Context } from './context';
import type { Rooms } from './rooms';
import type { Sending } from './sending';

export class Marks {
  readonly #context: Context;
  readonly #rooms: Rooms;
  readonly #sending: Sending;

  constructor(context: Context, rooms: Rooms, sending: Sending) {
    this.#context = context;
    this.#rooms = rooms;
    this.#sending = sending;
  }

  async view(): Promise<AccountView> {
    const { account, people, keyring } = this.#context;
    const own = account.space === null ? null : await this.#rooms.find(account.space);
    const verified = [...account.book.marks.keys()].filter((member) => {
      const present = people.present(member);
      return present !== null && people.alarmOf(member) === null && account.book.isVerified(member, present);
    });
    return { space: account.space, verified, recoveryKeyConfirmed: account.book.confirmed, alarm: own?.record.alarm ?? people.alarmOf(keyring.member) };
  }

  async safety(member: string): Promise<SafetyView> {
    const { own, other } = await this.#identities(member);
    const { account, people } = this.#context;
    const verified = account.book.isVerified(member, other);
    return { groups: [...(await safetyNumber(own, other))], qr: safetyQr(own, other), verified, identityChanged: !verified && people.hadOther(member) };
  }

  /** Throws BAD_CODE for a text that is no such code; false where it is another pair's. */
  async compare(member: string, qr: string): Promise<boolean> {
    const { own, other } = await this.#identities(member);
    let both: readonly [Bytes, Bytes];
    try {
      both = readSafetyQr(qr);
    } catch {
      throw new CircleFailure('BAD_CODE', 'This is not the code of a safety number. Scan the one that Circle shows in the profile.');
    }
    const fits = both.some((one) => equal(one, own)) && both.some((one) => equal(one, other));
    if (fits) await this.set(member, true);
    return fits;
  }

  /** For exactly the present identity, which is thereby accepted when it is verified. */
  async set(member: string, verified: boolean): Promise<void> {
    const { other } = await this.#identities(member);
    const { people, store } = this.#context;
    await this.#write({ what: 'marks', rows: [{ member: fromHex(member), identity: other, verified }] });
    if (verified) await store.write([people.accept(member)]);
  }

  async confirm(confirmed: boolean): Promise<void> {
    await this.#write({ what: 'confirmed', confirmed });
  }

  async #write(content: AccountContent): Promise<void> {
    const { account, store } = this.#context;
    if (account.space === null) throw new CircleFailure('NOT_READY', 'Circle is still catching up. Please try again in a moment.');
    await this.#sending.queueAccount(account.space, content);
    await store.write(account.take(content));
  }

  async #identities(member: string): Promise<{ own: Bytes; other: Bytes }> {
    const { keyring, people } = this.#context;
    if (member === keyring.member) throw new CircleFailure('INVALID', 'A safety number is of two people.');
    const alarm = people.alarmOf(member);
    if (alarm !== null) throw new CircleFailure('FORK', alarm);
    return { own: (await people.get(keyring.member)).chain.identity, other: (await people.get(member)).chain.identity };
  }
}
