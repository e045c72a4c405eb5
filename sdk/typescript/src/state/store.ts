import { createStore, type StoreApi } from 'zustand/vanilla';
import type { CircleState } from '../types';

/** What is shown before anything is known. */
export const NOTHING: CircleState = {
  phase: 'starting',
  connection: 'connecting',
  me: null,
  conversations: {},
  order: [],
  syncing: false,
  recoveryKeyConfirmed: true,
  accountAlarm: null,
  notice: null,
  presence: {},
  privacy: null,
};

export function createCircleStore(): StoreApi<CircleState> {
  return createStore<CircleState>(() => ({ ...NOTHING }));
}
