/** What earlier member keys opened, as rotations carried it over: archive keys and wraps (e2ee.md sections 2 and 8). */
import { toHex, type Bytes } from '../protocol/bytes';
import type { Announcement } from '../protocol/epoch';
import type { MemberSecrets } from '../protocol/memberKey';
import { unwrapArchive, unwrapBranch } from '../protocol/rewrap';
import type { ArchiveBytes, WrapBytes } from '../deviceKeeper';

/**
 * The wraps as the server showed them to the holder of M of one generation. Nothing of it is believed: an archive key
 * opens only what was wrapped under it, and a branch is taken if its epoch's commit fits.
 */
export class Wraps {
  #generation = 0;
  #m: Bytes = new Uint8Array();
  readonly #archive = new Map<number, Bytes>();
  readonly #wraps = new Map<string, WrapBytes[]>();

  /** The generation of M that they were shown to; 0 before the first `show`. */
  get generation(): number {
    return this.#generation;
  }

  async show(own: MemberSecrets, archive: readonly ArchiveBytes[], wraps: readonly WrapBytes[]): Promise<void> {
    this.clear();
    this.#generation = own.generation;
    this.#m = own.m;
    const wrapped = new Map(archive.map(({ generation, wrap }) => [generation, wrap]));
    let key = own.ak;
    this.#archive.set(own.generation, key);
    for (let older = own.generation - 1; older >= 1; older -= 1) {
      const wrap = wrapped.get(older);
      const opened = wrap === undefined ? null : await unwrapArchive(key, own.member, older, wrap).catch(() => null);
      if (opened === null) break;
      this.#archive.set(older, opened);
      key = opened;
    }
    for (const wrap of wraps) {
      const place = `${wrap.space}:${wrap.epoch}`;
      const known = this.#wraps.get(place);
      if (known) known.push(wrap);
      else this.#wraps.set(place, [wrap]);
    }
  }

  /** The branches of an epoch that were carried over, by class. */
  async branchesOf(member: Bytes, announced: Announcement): Promise<ReadonlyMap<number, Bytes>> {
    const found = new Map<number, Bytes>();
    for (const { branch, generation, wrap } of this.#wraps.get(`${toHex(announced.space)}:${announced.epoch.n}`) ?? []) {
      const isCurrent = generation === this.#generation ? this.#m : undefined;
      const key = branch === 0 ? this.#archive.get(generation) : isCurrent;
      if (key === undefined) continue;
      const place = { space: announced.space, epoch: announced.epoch, branch };
      const opened = await unwrapBranch(key, member, place, wrap, announced.commits).catch(() => null);
      if (opened !== null) found.set(branch, opened);
    }
    return found;
  }

  clear(): void {
    this.#generation = 0;
    this.#m = new Uint8Array();
    this.#archive.clear();
    this.#wraps.clear();
  }
}
