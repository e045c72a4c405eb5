import type { Draft } from './draft';
import type { Space } from './space';

/** The log tells a message that only this device still had: its line stands there again. */
export function keptNoMore(space: Space, draft: Draft, id: string): string[] {
  const found = space.record.kept?.find(([one]) => one === id);
  if (!found) return [];
  space.record.kept = space.record.kept?.filter((one) => one !== found) ?? [];
  draft.put('items', [space.id, found[1]], undefined);
  return [`kept:${id}`];
}
