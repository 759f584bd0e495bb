import type { PolicyName } from '@layerswarm/peer'
import { choice, type Option } from './option.ts'

/** The claim policies, by the names that a peer knows them by. */
const POLICY_CHOICES = ['direct', 'direct-few', 'gossip'] as const satisfies readonly PolicyName[]

/** What peers do unless they are told otherwise. */
export const POLICY_USUAL = 'direct-few' as const satisfies PolicyName

/** The flag --policy. @param help what it says in the help of the command. */
export function policyOption(help: string): Option<PolicyName> {
  return choice(POLICY_CHOICES, help, POLICY_USUAL)
}

/** The policy of this name; undefined where there is none. */
export function policyNamed(name: string): PolicyName | undefined {
  return POLICY_CHOICES.find((known) => known === name)
}
