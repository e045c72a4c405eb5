/** What a conversation keeps and for how long (e2ee.md section 5, kinds 0 and 4). */
import { outlives } from '../protocol/rules';
import type { HistoryPolicy, LifetimeClass } from '../../types';
import type { Policy } from '../protocol/roster';

/** The class of a message: as chosen, never longer than the policy's, and the policy's where nothing was chosen. */
export function clampLifetime(chosen: LifetimeClass | null, policy: LifetimeClass): LifetimeClass {
  return chosen === null || outlives(chosen, policy) ? policy : chosen;
}

/** A decoded class, which the decoder has bounded by 6. */
export function lifetimeOf({ lifetime }: Pick<Policy, 'lifetime'>): LifetimeClass {
  return lifetime as LifetimeClass;
}

export function historyOf({ shared }: Pick<Policy, 'shared'>): HistoryPolicy {
  return shared ? 'SHARED' : 'JOINING';
}
