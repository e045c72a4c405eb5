/** The invites this device made: their secrets stay here, and prove who used them (e2ee.md section 12). */
import { EMPTY, toHex, type Bytes } from '../protocol/bytes';
import { checkInviteMac, joinFragment } from '../protocol/invite';
import { randomBytes, sha256 } from '../protocol/primitives';
import type { OwnInvite, UsedInvite } from '../keeper';
import type { Context } from './context';

interface StoredInvite {
  token: Bytes;
  secret: Bytes;
  inviter: Bytes;
}

export class InviteBook {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  async make(): Promise<OwnInvite> {
    const { people, keyring, store } = this.#context;
    const invite: StoredInvite = { token: randomBytes(16), secret: randomBytes(32), inviter: (await people.get(keyring.member)).chain.identity };
    const tokenHash = await sha256(invite.token);
    await store.write([{ table: 'records', key: name(tokenHash), value: invite }]);
    return { tokenHash, fragment: joinFragment({ token: invite.token, pin: { secret: invite.secret, inviter: invite.inviter } }) };
  }

  /** Pins the ID of each newcomer who proved to hold the link. */
  async verify(used: UsedInvite[]): Promise<(boolean | null)[]> {
    const results: (boolean | null)[] = [];
    for (const invite of used) results.push(await this.#verify(invite));
    return results;
  }

  async #verify({ tokenHash, mac, usedBy }: UsedInvite): Promise<boolean | null> {
    const { people, store } = this.#context;
    const own = (await store.get('records', name(tokenHash))) as StoredInvite | undefined;
    const known = usedBy === null ? null : await people.find(usedBy);
    const first = known?.chain.identities[0];
    if (!own || usedBy === null || !first) return null;
    try {
      await checkInviteMac(own.secret, own.token, own.inviter, first.hash, mac ?? EMPTY);
      await store.write([people.prove(usedBy, first.hash)]);
      return true;
    } catch {
      // Only the server can have put another member, or another MAC, in the newcomer's place.
      await store.write([people.bar(usedBy)]);
      return false;
    }
  }
}

function name(tokenHash: Bytes): string {
  return `invite:${toHex(tokenHash)}`;
}
