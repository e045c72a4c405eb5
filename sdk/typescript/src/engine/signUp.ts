/** Signing up: the join link, the new keys, and the one request that makes a member of them. */
import { deleteDB } from 'idb';
import { fromBase64, toBase64, toBase64Url, toHex } from '../bytes';
import type { Keeper, NewAccount } from '../crypto';
import { CircleFailure, codeOf, isUncertain } from '../errors';
import * as gql from '../gql/generated';
import type { AccountRecord, Accounts } from '../store/accounts';
import type { InvitePreview } from '../types';
import { type Account } from './account';
import { tidyHandle } from './handle';
import { signedInput, toPersonRecord } from './convert';
import { deviceLabel } from './deviceLabel';
import { parseFragment } from './joinLink';
import { memberOf, type Session } from './session';

export interface SignUpInput {
  fragment: string;
  handle: string;
  displayName: string;
  password: string;
  deviceName: string;
}

interface Prepared {
  account: NewAccount;
  record: AccountRecord;
  input: SignUpInput;
  authKey: string;
}

export class SignUp {
  readonly #session: Session;
  readonly #keeper: Keeper;
  readonly #accounts: Accounts;
  readonly #account: Account;
  readonly #prefix: string;
  readonly #prepared = new WeakMap<object, Prepared>();

  constructor(parts: { session: Session; keeper: Keeper; accounts: Accounts; account: Account; databasePrefix: string }) {
    this.#session = parts.session;
    this.#keeper = parts.keeper;
    this.#accounts = parts.accounts;
    this.#account = parts.account;
    this.#prefix = parts.databasePrefix;
  }

  async preview(fragment: string): Promise<InvitePreview> {
    const { token, isSetUp } = parseFragment(fragment);
    const { invite } = await this.#session.http.ask(gql.PreviewInviteDocument, { token: toBase64(token) });
    if (!invite) throw new CircleFailure('INVITE_UNKNOWN', 'This invite is not valid, or has been used already.');
    const { inviter } = invite;
    const person = inviter ? { id: inviter.id, protocolId: toHex(fromBase64(inviter.protocolId)), handle: inviter.handle, displayName: inviter.displayName } : null;
    return { inviter: person ? { ...person, serverRole: 'MEMBER', verified: false } : null, isSetUp: isSetUp && invite.role === 'OWNER', expiresAt: Date.parse(invite.expiresAt) };
  }

  /** Makes all keys; nothing is sent but the handle and the invite's token. */
  async prepare(input: SignUpInput): Promise<{ words: string[] }> {
    const handle = tidyHandle(input.handle);
    const displayName = input.displayName.normalize('NFC').trim();
    if (displayName.length < 1 || displayName.length > 80) throw new CircleFailure('INVALID', 'A name has 1 to 80 characters.');
    if (Array.from(input.password.normalize('NFKC')).length < 10) throw new CircleFailure('PASSWORD_SHORT', 'A password has at least 10 characters.');
    const { inviter } = await this.preview(input.fragment);
    const parameters = await this.#session.parameters(handle);
    const { ticket, authKey } = await this.#keeper.stretch(input.password, parameters);
    const database = freshDatabase(this.#prefix);
    const account = await this.#keeper.makeAccount({
      ticket, handle, displayName, deviceName: input.deviceName, fragment: input.fragment, inviter: inviter?.protocolId ?? null, database,
    });
    const { member, device, wrapped } = account;
    const record: AccountRecord = {
      member, device, handle, displayName, ...parameters, wrapped, database, standing: 'joining', usedAt: Date.now(), isKeyConfirmed: true,
    };
    const pending = { words: account.words };
    this.#prepared.set(pending, { account, record, input: { ...input, handle, displayName, password: '' }, authKey: toBase64(authKey) });
    return pending;
  }

  /** Safe to call again after a failure of the network: the server takes the same sign-up once. */
  async complete(pending: object): Promise<void> {
    const prepared = this.#prepared.get(pending);
    if (!prepared) throw new CircleFailure('INVALID', 'This sign-up is no longer open. Please start again from the invite link.');
    const { account, record, input, authKey } = prepared;
    // The keys are kept before anything is sent: an account whose keys are lost would be worse than none.
    await this.#keeper.keepAccount(account.member, { handle: input.handle, displayName: input.displayName });
    await this.#accounts.put(record);
    let viewer: gql.ViewerFieldsFragment;
    try {
      viewer = await this.#send(prepared);
    } catch (error) {
      const again = await this.#tookEarlier(error, record, authKey);
      if (!again) {
        if (!isUncertain(error) && codeOf(error) !== 'RATE_LIMITED') await this.#abandon(pending, record);
        throw error;
      }
      viewer = again;
    }
    this.#prepared.delete(pending);
    await this.#keeper.rememberMe(toPersonRecord(viewer.member));
    await this.#account.use({ ...record, standing: 'active' });
  }

  /** The server refused for good: these keys will never be anybody's. */
  async #abandon(pending: object, record: AccountRecord): Promise<void> {
    this.#prepared.delete(pending);
    await this.#keeper.lock();
    await this.#accounts.forget(record.member);
    await deleteDB(record.database);
  }

  #send({ account, input, authKey }: Prepared): Promise<gql.ViewerFieldsFragment> {
    return this.#session.signUp({
      invite: toBase64(account.invite),
      mac: account.mac ? toBase64(account.mac) : null,
      handle: input.handle,
      displayName: input.displayName,
      authKey,
      identity: { ...signedInput(account.identity), cosignature: account.identity.cosignature ? toBase64(account.identity.cosignature) : null },
      deviceSeal: signedInput(account.deviceSeal),
      deviceName: input.deviceName,
      platform: deviceLabel().platform,
      memberKey: signedInput(account.memberKey),
      // A new device's first seal is k = 1; the recovery key's box, under zeros, has none.
      boxes: account.boxes.map(({ device, box }) => ({ device: toBase64(device), seal: device.some((byte) => byte !== 0) ? 1 : null, box: toBase64(box) })),
      account: signedInput(account.account),
    });
  }

  /** Whether an earlier try of this sign-up got through although its answer was lost. */
  async #tookEarlier(error: unknown, record: AccountRecord, authKey: string): Promise<gql.ViewerFieldsFragment | null> {
    if (!['INVITE_USED', 'HANDLE_TAKEN', 'ID_TAKEN'].includes(codeOf(error))) return null;
    const viewer = await this.#session.signIn(record.handle, authKey, record.device).catch(() => null);
    return viewer && memberOf(viewer) === record.member ? viewer : null;
  }
}

/** A name for a new device's database. */
export function freshDatabase(prefix: string): string {
  return `${prefix}-${toBase64Url(crypto.getRandomValues(new Uint8Array(9)))}`;
}
