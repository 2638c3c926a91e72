import { ErrorReason } from "@trust-registry/proto"
import { RegistryError } from "../../errors.js"

/** The error for a request id already used for another change; names the agent or authority of that change, if known. */
export function requestIdReused({
  requestId,
  ...subject
}: {
  requestId: string
  agentId?: string
  authorityId?: string
}): RegistryError {
  const { agentId, authorityId } = subject
  const [kind, id] = authorityId === undefined ? ["agent", agentId] : ["authority", authorityId]
  const whose = id === undefined ? "" : ` of ${kind} ${JSON.stringify(id)}`
  return new RegistryError(
    ErrorReason.REQUEST_ID_REUSED,
    `request_id ${requestId} was already used for another change${whose}`,
    {
      ...(agentId === undefined ? {} : { agentId }),
      ...(authorityId === undefined ? {} : { authorityId }),
      violations: [{ field: "request_id", description: "was already used for another change" }],
    },
  )
}
