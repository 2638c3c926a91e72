import { ErrorReason } from "@trust-registry/proto"
import { RegistryError } from "../../errors.js"

/** The error for a request id that was used before for another change; names whose change that was, where it is known. */
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
    `request_id ${requestId} was used before for another change${whose}`,
    {
      ...(agentId === undefined ? {} : { agentId }),
      ...(authorityId === undefined ? {} : { authorityId }),
      violations: [{ field: "request_id", description: "was used before for another change" }],
    },
  )
}
