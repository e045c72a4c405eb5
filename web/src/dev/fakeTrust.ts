import type { Person, PolicyActions, TrustActions } from '../circle';
import { FakeError, type World } from './scene';

const LIFETIMES = ['for good', 'for 1 hour', 'for 8 hours', 'for 1 day', 'for 7 days', 'for 30 days', 'for 90 days'] as const;

/** The code that `compare` takes for right. */
export function safetyCode(person: string): string {
  return `circle-safety:${person}`;
}

export function createFakeTrust({ scene, store, pause, patch, notice }: World): TrustActions {
  const find = (id: string) =>
    Object.values(store.getState().conversations)
      .flatMap((one) => one.participants)
      .find((one) => one.person.id === id);
  const setPerson = (id: string, change: Partial<Person>) => {
    const changed = (one: Person) => (one.id === id ? { ...one, ...change } : one);
    for (const conversation of Object.keys(store.getState().conversations)) {
      patch(conversation, (one) => ({ participants: one.participants.map((other) => ({ ...other, person: changed(other.person) })) }));
    }
  };
  const clear = async (id: string) => {
    await pause();
    if (id === 'account') store.setState({ accountAlarm: null });
    else patch(id, () => ({ alarm: null }));
  };
  return {
    safetyNumber: async (id) => {
      await pause();
      const found = find(id);
      if (!found) throw new FakeError('You do not know this person yet.', 'NOT_FOUND');
      const seed = Array.from(id).reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 99_991, 7);
      return {
        groups: Array.from({ length: 12 }, (_, index) => String((seed * (index + 3) * 7919) % 100_000).padStart(5, '0')),
        qr: safetyCode(id),
        verified: found.person.verified,
        identityChanged: found.changed,
      };
    },
    setVerified: async (id, verified) => {
      await pause();
      setPerson(id, { verified });
    },
    compare: async (id, qr) => {
      await pause();
      if (qr !== safetyCode(id)) return false;
      setPerson(id, { verified: true });
      return true;
    },
    readmit: async (conversation, id) => {
      await pause();
      patch(conversation, (one) => ({ participants: one.participants.map((other) => (other.person.id === id ? { ...other, changed: false } : other)) }));
      notice(conversation, `You let ${find(id)?.person.displayName ?? 'someone'} in again`);
    },
    alarm: async (id) => {
      await pause();
      const { accountAlarm, conversations } = store.getState();
      const text = id === 'account' ? accountAlarm : (conversations[id]?.alarm ?? null);
      return text === null ? null : { text, canOffer: true, canAccept: true, isListed: true, ...scene.alarm };
    },
    offerMissing: async (id) => {
      await clear(id);
      const given = (store.getState().conversations[id]?.items ?? []).filter(({ mine }) => mine).slice(-2);
      return { taken: 3, given, lacking: 0, missing: [], refused: null };
    },
    acceptState: clear,
  };
}

export function createFakePolicy({ pause, patch, notice }: World): PolicyActions {
  return {
    set: async (id, policy) => {
      await pause();
      patch(id, () => policy);
      if (policy.lifetime !== undefined) notice(id, `You let messages stay ${LIFETIMES[policy.lifetime]}`);
      if (policy.history !== undefined) notice(id, policy.history === 'SHARED' ? 'You let newcomers read what was written before' : 'You let newcomers read from their joining on');
    },
  };
}
