import type { LockActions, LockState } from '../circle';
import { ada } from './people';
import { FakeError, type World } from './scene';

export function createFakeLock({ scene, store, pause }: World): LockActions {
  let lock: LockState = { passkey: false, canUsePasskey: true, passphrase: false, idleMinutes: null, ...scene.lock };
  const set = async (change: Partial<LockState>) => {
    await pause();
    lock = { ...lock, ...change };
  };
  return {
    state: async () => {
      await pause();
      return lock;
    },
    addPasskey: async () => set({ passkey: true }),
    removePasskey: async () => set({ passkey: false }),
    unlockWithPasskey: async () => {
      await pause();
      if (!lock.passkey) throw new FakeError('This browser has no passkey for Circle.', 'NO_PASSKEY');
      store.setState({ phase: 'ready', me: ada });
    },
    setPassphrase: async (passphrase) => set({ passphrase: passphrase !== null }),
    setIdleMinutes: async (idleMinutes) => set({ idleMinutes }),
  };
}
