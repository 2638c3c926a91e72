import type { Question } from "./question.js"
import { attesterOf } from "./recognition.js"
import { type Denial, denial } from "./verdict.js"

/**
 * Where the caller pins authorities, each that signs for the chain must be its own word: that of the genesis record, every
 * attester, and those of the delegators. One without an anchor is denied as well.
 */
export function authoritiesSelfSigned({ input, chain, genesis }: Question): Denial | undefined {
  const signers = new Set([
    genesis.authorityId,
    ...chain.capabilities.map((capability) => attesterOf(chain, capability)),
    ...chain.delegations.flatMap(
      ({ delegatorId }) => input.chains.get(delegatorId)?.chain.genesis?.authorityId ?? [],
    ),
  ])
  for (const authorityId of signers) {
    const detail = input.authorities.get(authorityId)?.unsigned
    if (detail !== undefined)
      return denial("AUTHORITY_UNSIGNED", `Authority is not its own word: ${authorityId}: ${detail}`, {
        facts: { authorityId, detail },
      })
  }
  return undefined
}
