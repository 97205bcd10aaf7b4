/** Memory policies by name. */
import { trackingError } from '../errors.js';
import type { MemoryPolicy } from './policy.js';
import { policies } from './registry.js';

export type PolicyName = (typeof policies)[number]['name'];

export const policyNames = policies.map(({ name }) => name);

/** Throws SONO_POLICY_UNKNOWN. */
export function findPolicy(name: string): MemoryPolicy<PolicyName> {
  const policy = policies.find((policy) => policy.name === name);
  if (policy === undefined)
    throw trackingError('SONO_POLICY_UNKNOWN', { policy: name, known: policyNames.join(', ') });
  return policy;
}
