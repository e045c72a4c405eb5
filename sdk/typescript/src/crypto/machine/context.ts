import type { RecordStore } from '../../store/sealed';
import type { AccountNotes } from './accountSpace';
import type { Keyring } from './keyring';
import type { People } from './people';
import type { EpochBytes, ItemView } from './wire';
import type { StoredItem } from './spaceRecord';

type Grant = EpochBytes['grants'][number];

/** Epochs as the server told them, not yet verified; `null` where it shows none. */
export class Offers {
  readonly #offers = new Map<string, EpochBytes | null>();
  readonly #grants = new Map<string, Map<string, Grant>>();

  put(space: string, n: number, epoch: EpochBytes | null): void {
    this.#offers.set(`${space}:${n}`, epoch);
    if (!epoch || epoch.grants.length === 0) return;
    const grants = this.#grants.get(space) ?? new Map<string, Grant>();
    for (const one of epoch.grants) grants.set(one.id, one);
    this.#grants.set(space, grants);
  }

  /** All that was shown of a space's grants; the server shows those of the whole space with each epoch. */
  grants(space: string): Grant[] {
    return [...(this.#grants.get(space)?.values() ?? [])];
  }

  /** Everything that was shown and is sealed to this generation of the own key, by the server's ids. */
  grantIds(generation: number): string[] {
    return [...this.#grants.values()].flatMap((grants) => [...grants.values()]).flatMap((one) => (one.generation === generation ? [one.id] : []));
  }

  /** Verified and kept: what was offered is needed no more. */
  drop(space: string, n: number): void {
    this.#offers.delete(`${space}:${n}`);
  }

  /** `undefined` when the server was not asked. */
  get(space: string, n: number): EpochBytes | null | undefined {
    return this.#offers.get(`${space}:${n}`);
  }
}

/** What judging needs besides the space itself. */
export interface Context {
  readonly store: RecordStore;
  readonly people: People;
  /** Replaced whole, once the new one is stored, when a rotation or the publishing of a seal changes it. */
  keyring: Keyring;
  readonly offers: Offers;
  readonly account: AccountNotes;
}

/** What changed for those who look on. */
export interface Shown {
  items: StoredItem[];
  gone: string[];
}

export function shownItem({ key, seq, time, sender, body, b, expiresAt }: StoredItem): ItemView {
  return { key, seq, time, sender, body, state: 'sent', lifetime: b, expiresAt };
}
