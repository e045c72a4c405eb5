/** What a conversation keeps and for how long (e2ee.md section 5, kinds 0 and 4). */
import { outlives } from '../protocol/rules';
import type { HistoryPolicy, LifetimeClass } from '../../types';
import type { Policy } from '../protocol/roster';
import type { Notice, RosterChange } from './wire';

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

/** The policy after a change: what it leaves out stays as the newest roster has it. */
export function changedPolicy(before: Policy, change: Extract<RosterChange, { what: 'policy' }>): Policy {
  return {
    lifetime: change.lifetime ?? before.lifetime,
    shared: change.history === undefined ? before.shared : change.history === 'SHARED',
  };
}

/** What a link of kind 4 has changed. */
export function policyNotice(by: string, policy: Policy, before: Policy | null): Notice {
  return {
    what: 'policy',
    by,
    ...(before?.lifetime === policy.lifetime ? {} : { lifetime: lifetimeOf(policy) }),
    ...(before?.shared === policy.shared ? {} : { history: historyOf(policy) }),
  };
}
