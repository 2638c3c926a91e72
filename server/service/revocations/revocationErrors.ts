import { ErrorReason } from "@trust-registry/proto"
import { invalidRequest, RegistryError } from "../../errors.js"
import type { RevocationOutcome, Revoke } from "../../store/revocations/revocations.js"
import { authorityNotFound, requestIdReused } from "../authorities/authorityErrors.js"
import { notFound } from "../chains/outcomes.js"

/** What the contract says of a revocation that was refused. */
export function refusedRevocation(
  what: Pick<Revoke, "recordId"> & Partial<Revoke>,
  { outcome }: RevocationOutcome,
): RegistryError {
  const { agentId = "", authorityId = "", recordId, requestId = "" } = what
  switch (outcome) {
    case "agent_not_found":
      return notFound(agentId)
    case "authority_not_found":
      return authorityNotFound(authorityId)
    case "record_not_found":
      return recordNotFound(what)
    case "reused":
      // It may be of any agent that the revocation reaches.
      return requestIdReused({ requestId })
    case "past":
      return invalidRequest("effective_at", "is past: REVOCATION_MODE_IMMEDIATE revokes at once")
    case "not_suspension":
      return new RegistryError(
        ErrorReason.REVOCATION_FINAL,
        `revocation ${recordId} is no suspension, so it stays`,
        { precondition: "the revocation is a suspension" },
      )
    default:
      return new RegistryError(ErrorReason.REVOCATION_NOT_FOUND, `revocation not found: ${recordId}`, {
        violations: [{ field: "revocation_id", description: "is of no revocation" }],
      })
  }
}

function recordNotFound({ kind, agentId, authorityId, recordId }: Partial<Revoke>): RegistryError {
  const owner = kind === "key" ? { authorityId: authorityId ?? "" } : { agentId: agentId ?? "" }
  const whose =
    kind === "key" ? `authority ${JSON.stringify(authorityId)}` : `the chain of ${JSON.stringify(agentId)}`
  const description = `${whose} has no ${kind} ${JSON.stringify(recordId)}`
  return new RegistryError(ErrorReason.TRUST_RECORD_NOT_FOUND, description, {
    ...owner,
    violations: [{ field: `${kind}_id`, description }],
  })
}
