/** What this device has signed and the log holds, as it was sent: offered again should the server lose it (docs/decisions/0082). */
import { EMPTY, equal, type Bytes } from '../protocol/bytes';
import type { OwnEntry } from '../trustKeeper';
import type { Context } from './context';
import type { Draft } from './draft';
import { remind } from './expiry';
import type { Space } from './space';
import { keys } from './spaceRecord';
import type { EpochInputBytes, LogEvent } from './wire';

/** Backups are kept for 30 days by default: nothing older comes back from one. */
const LONGEST = 30 * 86_400_000;
/** Bytes of epochs that are kept of one conversation: one of 1,000 members has 1.2 MB. The newest is kept in any case. */
export const MOST_OF_EPOCHS = 4 * 1024 * 1024;

type Sent =
  | { kind: 'envelope'; envelope: Bytes }
  | { kind: 'roster' | 'complaint'; body: Bytes; signature: Bytes }
  | { kind: 'epoch'; announcement: Bytes; signature: Bytes; recipients: Bytes; seals: Bytes[] };

/** An epoch that is kept, and how large it is. */
interface KeptEpoch {
  seq: number;
  size: number;
}

interface Kept {
  at: number;
  entry: OwnEntry;
}

export const ownEntries = {
  /** An entry of this device's signature has entered the log; it is kept until it expires. Those too old to be missed go. */
  async keep(space: Space, draft: Draft, { store }: Context, { seq, item, acceptedAt }: LogEvent, sent: Sent, until: number | null = null): Promise<void> {
    const { id } = space;
    draft.put('log', keys.own(id, seq), { at: acceptedAt, entry: { seq, item, ...sent } } satisfies Kept);
    if (until !== null) remind(space, draft, until, { what: 'own', seq });
    for (const { key, value } of await store.range('log', [id, 'o:'], [id, 'o;'], { limit: 2 })) {
      if ((value as Kept).at < Date.now() - LONGEST) draft.put('log', key, undefined);
    }
  },

  async at({ id }: Space, { store }: Context, seq: number): Promise<OwnEntry | null> {
    return ((await store.get('log', keys.own(id, seq))) as Kept | undefined)?.entry ?? null;
  },

  /** Whether any entry above this one could be offered. */
  async isAnyAbove({ id }: Space, { store }: Context, seq: number): Promise<boolean> {
    return (await store.range('log', keys.own(id, seq + 1), [id, 'o;'], { limit: 1 })).length > 0;
  },

  // ---- epochs: their seals are known only where they were made

  async made({ id }: Space, { store }: Context, made: EpochInputBytes): Promise<void> {
    await store.write([{ table: 'log', key: [id, 'made'], value: made }]);
  },

  async announced(space: Space, draft: Draft, context: Context, event: LogEvent): Promise<void> {
    const made = (await draft.get('log', [space.id, 'made'])) as EpochInputBytes | undefined;
    const announcement = event.body.kind === 'epoch' ? event.body.announcement : EMPTY;
    if (!made || !equal(made.announcement, announcement)) return;
    await ownEntries.keep(space, draft, context, event, { kind: 'epoch', ...made });
    draft.put('log', [space.id, 'made'], undefined);
    const size = made.recipients.length + made.seals.reduce((sum, seal) => sum + seal.length, 0);
    await dropOldest(space.id, draft, { seq: event.seq, size });
  },
};

/** Of large conversations the newest epochs alone are kept. */
async function dropOldest(id: string, draft: Draft, newest: KeptEpoch): Promise<void> {
  const known = ((await draft.get('log', [id, 'own-epochs'])) as KeptEpoch[] | undefined) ?? [];
  const kept = [newest];
  let left = MOST_OF_EPOCHS - newest.size;
  for (const one of known.filter(({ seq }) => seq !== newest.seq).reverse()) {
    left -= one.size;
    const row = (await draft.get('log', keys.own(id, one.seq))) as Kept | undefined;
    if (row?.entry.kind !== 'epoch') continue; // too old by now, or of a log that was given up
    if (left < 0) draft.put('log', keys.own(id, one.seq), undefined);
    else kept.unshift(one);
  }
  draft.put('log', [id, 'own-epochs'], kept);
}
