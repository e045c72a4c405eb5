/** Asking for members' chains and keys, and learning them. */
import type { Identity, Keeper, SpaceChange } from '../crypto';
import type { Api } from './api';

/** Answers that newer ones may overtake before they are learned; the one after them counts. */
const TRIES = 3;

/**
 * The members' chains and keys as the server has them now, verified and kept. Other tasks ask and hear of them at the
 * same time: whoever seems to contradict what was seen before is asked for again before an alarm is raised.
 */
export async function learnIdentities(api: Api, keeper: Keeper, members: string[]): Promise<{ identities: Identity[]; changes: SpaceChange[] }> {
  const found = new Map<string, Identity>();
  const changes: SpaceChange[] = [];
  let asked = members;
  for (let left = TRIES; asked.length > 0; left -= 1) {
    const identities = await api.identities(asked);
    for (const identity of identities) found.set(identity.person.id, identity);
    if (left === 0) {
      changes.push(...(await keeper.learnIdentities(identities)));
      break;
    }
    const learned = await keeper.tryIdentities(identities);
    changes.push(...learned.changes);
    asked = learned.again;
  }
  return { identities: [...found.values()], changes };
}
