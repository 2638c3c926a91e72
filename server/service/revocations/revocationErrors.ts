import { ErrorReason } from "@trust-registry/proto"
import { invalidRequest, RegistryError } from "../../errors.js"
import type { RevocationOutcome, Revoke } from "../../store/revocations/revocations.js"
import { authorityNotFound } from "../authorities/authorityErrors.js"
import { notFound } from "../chains/outcomes.js"
import { answerTo } from "../request/answers.js"
import { requestIdReused } from "../request/requestId.js"

type Named = Pick<Revoke, "recordId"> & Partial<Revoke>

/** Throws the contract's error for a refused revocation; `named` holds the ids of the request. */
export function assureAccepted(named: Named, { outcome }: RevocationOutcome): void {
  const error = answerTo(ANSWERS, outcome)
  if (error !== ACCEPTED) throw error(named)
}

const ACCEPTED = "accepted"

/** The answer to each outcome. An outcome without one does not compile. */
const ANSWERS: Record<RevocationOutcome["outcome"], typeof ACCEPTED | ((named: Named) => RegistryError)> = {
  revoked: ACCEPTED,
  replayed: ACCEPTED,
  lifted: ACCEPTED,
  unchanged: ACCEPTED,
  agent_not_found: ({ agentId = "" }) => notFound(agentId),
  authority_not_found: ({ authorityId = "" }) => authorityNotFound(authorityId),
  record_not_found: recordNotFound,
  // The earlier change may belong to any agent in reach of the revocation.
  reused: ({ requestId = "" }) => requestIdReused({ requestId }),
  past: () =>
    invalidRequest("effective_at", "is in the past: use REVOCATION_MODE_IMMEDIATE to revoke at once"),
  not_suspension: ({ recordId }) =>
    new RegistryError(
      ErrorReason.REVOCATION_FINAL,
      `revocation ${recordId} is not a suspension, so it cannot be lifted`,
      {
        precondition: "the revocation is a suspension",
      },
    ),
  not_found: ({ recordId }) =>
    new RegistryError(ErrorReason.REVOCATION_NOT_FOUND, `revocation not found: ${recordId}`, {
      violations: [{ field: "revocation_id", description: "names no revocation" }],
    }),
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
