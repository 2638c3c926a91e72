import type { DelegationRecord, TrustLineageChain } from "@trust-registry/proto"
import { JsonObject } from "../json/json.js"
import { bindingConstraints, namedConstraints } from "../rules/namedConstraints.js"
import { looserConstraints } from "../rules/tightening.js"
import { type IssuanceFault, type IssuanceTime, issuanceFaults } from "../verify/issuance.js"
import type { Signers } from "../verify/signedFields.js"
import { delegable } from "./delegable.js"
import { MakeError } from "./makeError.js"

/**
 * What speaks against the records of a chain if all of them are new: what {@link issuanceFaults} finds, and delegations that
 * {@link delegate} would not make of the delegator's chain as it is now. Of delegators that are not known, or whose authority is not,
 * nothing is said.
 */
export async function newRecordFaults(
  chain: TrustLineageChain,
  signers: Signers,
  time: IssuanceTime,
): Promise<IssuanceFault[]> {
  return [...(await issuanceFaults(chain, signers, time)), ...exceededFaults(chain, signers, time)]
}

function exceededFaults(
  { delegations }: TrustLineageChain,
  { authorities, delegators }: Signers,
  { nowMicros }: IssuanceTime,
): IssuanceFault[] {
  return delegations.flatMap((delegation, index) => {
    const delegator = delegators.get(delegation.delegatorId)?.chain
    const authority = authorities.get(delegator?.genesis?.authorityId ?? "")
    if (delegator === undefined || authority === undefined) return []
    const problem = exceeded(delegation, delegator, nowMicros)
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

function exceeded(
  { capabilitiesDelegated, constraintSubset }: DelegationRecord,
  delegator: TrustLineageChain,
  nowMicros: bigint,
): string | undefined {
  try {
    delegable(delegator, capabilitiesDelegated, nowMicros)
  } catch (error) {
    if (error instanceof MakeError) return error.message
    throw error
  }
  const parent = bindingConstraints(delegator)
  const [looser] = looserConstraints(
    parent,
    new JsonObject([...parent, ...namedConstraints(constraintSubset)]),
  )
  return looser && `${looser.violation} (${looser.detail})`
}
