/**
 * The member's own account space: what its log says (docs/decisions/0080), kept row by row, and what is written to it.
 * Its roster, epochs and log are followed like those of a conversation; nothing of it is shown as one.
 */
import { AccountBook, accountContent, readAccount, type AccountContent, type VerifiedMark } from '../protocol/account';
import { toHex, type Bytes } from '../protocol/bytes';
import { encode } from '../protocol/cbor';
import type { Content } from '../protocol/envelope';
import type { RecordStore, Write } from '../../store/sealed';
import type { Context } from './context';
import type { Draft } from './draft';

const FROM = 'account:';
const TO = 'account;';
const SPACE = 'account:space';
const CONFIRMED = 'account:confirmed';
const PINNED = 'account:pinned';
const AGAIN = 'account:again';

const LETTER = { members: 'm', spaces: 's', marks: 'v' } as const;

/** What the account's log says so far, on disk and in memory. */
export class AccountNotes {
  readonly book = new AccountBook();
  /** Hex id of the space; null before its first entry. */
  space: string | null = null;
  /** When pins were written last. */
  pinnedAt = 0;
  /** What this device knows and must write again, since the log was read afresh from the server. */
  again: { marks: VerifiedMark[]; confirmed: boolean } | null = null;
  /** Members whose keys were found to contradict a pin since this was looked at last. */
  readonly alarmed = new Set<string>();

  static async load(store: RecordStore): Promise<AccountNotes> {
    const notes = new AccountNotes();
    for (const { key, value } of await store.range('records', FROM, TO)) {
      const [, letter] = typeof key === 'string' ? key.split(':') : [];
      if (key === SPACE) notes.space = value as string;
      else if (key === CONFIRMED) notes.book.confirmed = value as boolean;
      else if (key === PINNED) notes.pinnedAt = value as number;
      else if (key === AGAIN) notes.again = value as AccountNotes['again'];
      else if (letter === LETTER.members) notes.book.take({ what: 'members', rows: [value as never] });
      else if (letter === LETTER.spaces) notes.book.take({ what: 'spaces', rows: [value as never] });
      else if (letter === LETTER.marks) notes.book.take({ what: 'marks', rows: [value as never] });
    }
    return notes;
  }

  /** The next content of the log, or one that this device is about to write. */
  take(content: AccountContent): Write[] {
    this.book.take(content);
    if (content.what === 'confirmed') return [{ table: 'records', key: CONFIRMED, value: content.confirmed }];
    return content.rows.map((row) => ({ table: 'records', key: rowKey(content.what, toHex('space' in row ? row.space : row.member)), value: row }));
  }

  begin(space: string): Write {
    this.space = space;
    return { table: 'records', key: SPACE, value: space };
  }

  pinned(now: number): Write {
    this.pinnedAt = now;
    return { table: 'records', key: PINNED, value: now };
  }

  /** The log is to be read from its beginning; what it said of marks is kept to be written to it again. */
  restart(): Write[] {
    this.space = null;
    this.again = { marks: [...this.book.marks.values()], confirmed: this.book.confirmed };
    const pins = [...this.book.members.keys()].map((id) => this.forget('members', id));
    pins.push(...[...this.book.spaces.keys()].map((id) => this.forget('spaces', id)));
    return [...pins, { table: 'records', key: SPACE, value: undefined }, { table: 'records', key: AGAIN, value: this.again }];
  }

  /** It has been queued. */
  restarted(): Write {
    this.again = null;
    return { table: 'records', key: AGAIN, value: undefined };
  }

  /** Forgets the pin of a member or space, so that what is known now is written in its place. */
  forget(what: 'members' | 'spaces', id: string): Write {
    this.book[what].delete(id);
    return { table: 'records', key: rowKey(what, id), value: undefined };
  }
}

function rowKey(what: keyof typeof LETTER, id: string): string {
  return `${FROM}${LETTER[what]}:${id}`;
}

/** An entry of the account's log. Throws a ProtocolError where it has not its shape. */
export async function takeAccountEntry(draft: Draft, { account, people }: Context, content: Content): Promise<void> {
  const read = readAccount(content);
  if (!read) return;
  for (const write of account.take(read)) draft.add(write);
  if (read.what !== 'members') return;
  for (const pin of read.rows) {
    const { write, isAlarm } = await people.bind(pin);
    draft.add(write);
    if (isAlarm) account.alarmed.add(toHex(pin.member));
  }
}

/** A content as the outbox keeps it. */
export function accountBytes(content: AccountContent): Bytes {
  return encode(accountContent(content));
}
