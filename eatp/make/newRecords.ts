import type { DelegationRecord, TrustLineageChain } from "@trust-registry/proto"
import { JsonObject } from "../json/json.js"
import { capabilityCovers } from "../rules/capabilityMatch.js"
import { bindingConstraints, constraintTexts, namedConstraints } from "../rules/namedConstraints.js"
import { looserConstraints } from "../rules/tightening.js"
import { type IssuanceFault, type IssuanceTime, issuanceFaults } from "../verify/issuance.js"
import type { Signers } from "../verify/signedFields.js"

/**
 * What speaks against the records of a chain if all of them are new: what {@link issuanceFaults} finds, and delegations that their
 * delegators may not make: of what they do not have, against no_delegation, or with looser constraints. Of delegators that are not known,
 * or whose authority is not, nothing is said.
 */
export async function newRecordFaults(
  chain: TrustLineageChain,
  signers: Signers,
  time: IssuanceTime,
): Promise<IssuanceFault[]> {
  return [...(await issuanceFaults(chain, signers, time)), ...exceededFaults(chain, signers)]
}

function exceededFaults(
  { delegations }: TrustLineageChain,
  { authorities, delegators }: Signers,
): IssuanceFault[] {
  return delegations.flatMap((delegation, index) => {
    const delegator = delegators.get(delegation.delegatorId)?.chain
    const authority = authorities.get(delegator?.genesis?.authorityId ?? "")
    if (delegator === undefined || authority === undefined) return []
    const problem = exceeded(delegation, delegator)
    if (problem === undefined) return []
    const { signature } = delegation
    const description = `gives more than its delegator may: ${problem}`
    return [
      {
        ...({ reason: "DELEGATION_EXCEEDED", field: `chain.delegations[${index}]`, description } as const),
        ...{ authorityId: authority.id, signature },
      },
    ]
  })
}

// What expired since, and what engine fields say of delegation, which EATP's own operations do not look at, is left to verdicts.
function exceeded(
  { capabilitiesDelegated, constraintSubset }: DelegationRecord,
  delegator: TrustLineageChain,
): string | undefined {
  if (constraintTexts(delegator).includes("no_delegation")) return "no_delegation binds its delegator"
  const missing = capabilitiesDelegated.find(
    (name) => !delegator.capabilities.some(({ capability }) => capabilityCovers(capability, name)),
  )
  if (missing !== undefined) return `its delegator has no capability ${JSON.stringify(missing)}`
  const parent = bindingConstraints(delegator)
  const [looser] = looserConstraints(
    parent,
    new JsonObject([...parent, ...namedConstraints(constraintSubset)]),
  )
  return looser && `${looser.violation} (${looser.detail})`
}
