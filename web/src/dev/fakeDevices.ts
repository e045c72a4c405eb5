import type { DeviceActions, DeviceInfo, LinkRequest, PendingLink, PendingRecoveryKey, RecoveryActions } from '../circle';
import { ada } from './people';
import { FakeError, type World } from './scene';
import { DAY_MS, HOUR_MS } from './samples';
import { FIRST_KEY, LINK_WORDS, OTHER_LINK_WORDS, SECOND_KEY } from './words';

const FIVE_MINUTES = 5 * 60_000;
const QR = 'circle-link:Zml4dHVyZS1saW5rLWtleQ';

/** How a test or the fixture page plays the device that lets this one in. */
export interface FakeDevices extends DeviceActions {
  /** The offer that waits is answered; or refused, with a sentence. */
  letIn(refusal?: string): void;
}

export function createFakeDevices({ scene, store, pause }: World): FakeDevices {
  let devices = scene.devices ?? sampleDevices();
  let offers = 0;
  let waiting: { resolve: () => void; reject: (reason: Error) => void } | null = null;
  const requests = new WeakSet<LinkRequest>();

  return {
    list: async () => {
      await pause();
      return devices;
    },
    rename: async (id, name) => {
      await pause();
      devices = devices.map((one) => (one.id === id ? { ...one, name } : one));
    },
    revoke: async (id) => {
      await pause();
      devices = devices.filter((one) => one.id !== id);
    },
    offer: async (): Promise<PendingLink> => {
      await pause();
      offers += 1;
      const first = offers % 2 === 1;
      const done = new Promise<void>((resolve, reject) => (waiting = { resolve, reject }));
      return {
        words: first ? LINK_WORDS : OTHER_LINK_WORDS,
        qr: first ? QR : `${QR}-${offers}`,
        expiresAt: Date.now() + (scene.linkFor ?? FIVE_MINUTES),
        done,
        cancel: () => waiting?.reject(new FakeError('Linking was stopped.', 'LINK_CANCELLED')),
      };
    },
    read: async (wordsOrQr) => {
      await pause();
      if (wordsOrQr !== QR && wordsOrQr !== LINK_WORDS.join(' ')) {
        throw new FakeError('No device waits with these words. They are valid for five minutes: show new ones there, and try again.', 'LINK_NOT_FOUND');
      }
      const request: LinkRequest = { deviceName: 'Chromium on Linux', expiresAt: Date.now() + (scene.linkFor ?? FIVE_MINUTES) };
      requests.add(request);
      return request;
    },
    answer: async (request) => {
      await pause();
      if (!requests.delete(request)) throw new FakeError('This request has been answered already.', 'LINK_USED');
      const now = Date.now();
      devices = [...devices, { id: `device-${now}`, name: request.deviceName, platform: request.deviceName, createdAt: now, lastSeenAt: now, isCurrent: false }];
    },
    letIn: (refusal) => {
      if (refusal === undefined) {
        store.setState({ phase: 'ready', me: ada });
        waiting?.resolve();
      } else waiting?.reject(new FakeError(refusal, 'LINK_REFUSED'));
      waiting = null;
    },
  };
}

export function createFakeRecovery({ store, pause }: World): RecoveryActions {
  const pending = new WeakSet<PendingRecoveryKey>();
  const make = (): PendingRecoveryKey => {
    const made = { words: SECOND_KEY };
    pending.add(made);
    return made;
  };
  const take = (made: PendingRecoveryKey) => {
    if (!pending.delete(made)) throw new FakeError('This recovery key is in force already.', 'NOT_PENDING');
  };
  return {
    recover: async (words) => {
      await pause();
      if (words.join(' ') !== FIRST_KEY.join(' ')) throw new FakeError('This recovery key does not open this account. Check that it is the newest one.', 'WRONG_RECOVERY_KEY');
      store.setState({ phase: 'ready', me: ada });
    },
    renew: async () => {
      await pause();
      return make();
    },
    confirm: async (made) => {
      await pause();
      take(made);
      store.setState({ recoveryKeyConfirmed: true });
    },
    acknowledge: async (words) => {
      await pause();
      if (words.join(' ') !== FIRST_KEY.join(' ')) throw new FakeError('These are the words of another recovery key, not of the one in force.', 'WRONG_RECOVERY_KEY');
      store.setState({ recoveryKeyConfirmed: true });
    },
    reset: async (password) => {
      await pause();
      if (password === 'wrong password') throw new FakeError('That is not the right password.', 'WRONG_PASSWORD');
      return make();
    },
    confirmReset: async (made) => {
      await pause();
      take(made);
      store.setState({ phase: 'ready', me: ada, conversations: {}, order: [], recoveryKeyConfirmed: true });
    },
  };
}

export function sampleDevices(): DeviceInfo[] {
  const now = Date.now();
  return [
    { id: 'device-1', name: 'Chromium on Linux', platform: 'Chromium on Linux', createdAt: now - 240 * DAY_MS, lastSeenAt: now, isCurrent: true },
    { id: 'device-2', name: 'Ada’s phone', platform: 'Safari on iPhone', createdAt: now - 90 * DAY_MS, lastSeenAt: now - 5 * HOUR_MS, isCurrent: false },
    { id: 'device-3', name: 'Old laptop', platform: 'Firefox on Windows', createdAt: now - 400 * DAY_MS, lastSeenAt: now - 95 * DAY_MS, isCurrent: false },
  ];
}
