import { jsonProblem, momentProblem, type ShapeLimits, textProblem } from "@trust-registry/eatp"
import { CapabilityTypeSchema, type ChainFilter } from "@trust-registry/proto"
import { invalidRequest } from "../../errors.js"
import { isDataFault } from "../../store/database/failures.js"
import { idFault } from "./fields.js"

/** Bounds the work of matching: each watch looks up every array and object in the metadata of each changed chain. */
const MAX_METADATA_VALUES = 32

/** Throws INVALID_REQUEST unless the filter is valid. */
export function assureFilter(filter: ChainFilter | undefined, limits: ShapeLimits): void {
  if (!filter) return
  const ids = {
    authority_id: filter.authorityId,
    agent_id_prefix: filter.agentIdPrefix,
    delegator_id: filter.delegatorId,
  }
  for (const [field, id] of Object.entries(ids)) {
    const fault = id === "" ? undefined : idFault(id, limits)
    if (fault) throw invalidRequest(`filter.${field}`, fault)
  }
  const capability = tooLong(filter.capability, limits) ?? textProblem(filter.capability)
  if (capability) throw invalidRequest("filter.capability", capability)
  if (filter.capabilityType !== 0 && !CapabilityTypeSchema.value[filter.capabilityType])
    throw invalidRequest(
      "filter.capability_type",
      `is ${filter.capabilityType}, which is not a CapabilityType`,
    )
  const moment = filter.expiresBefore && momentProblem(filter.expiresBefore)
  if (moment) throw invalidRequest("filter.expires_before", moment)
  if (filter.metadataContainsJson !== "") assureMetadata(filter.metadataContainsJson, limits)
}

/** Nothing of a chain is longer, and to compare it takes time. */
function tooLong(text: string, { maxChainBytes }: ShapeLimits): string | undefined {
  const { length } = text
  return length > maxChainBytes
    ? `is ${length} characters long; at most ${maxChainBytes} are allowed`
    : undefined
}

function assureMetadata(text: string, limits: ShapeLimits): void {
  const problem = tooLong(text, limits) ?? jsonTextProblem(text, limits)
  if (problem) throw invalidRequest("filter.metadata_contains_json", problem)
}

function jsonTextProblem(text: string, limits: ShapeLimits) {
  return text === "null"
    ? "is null, not an object"
    : jsonProblem(text, "metadata_json", limits.maxJsonDepth, MAX_METADATA_VALUES)
}

/**
 * The answer of a query with a filter. Turns PostgreSQL's error into INVALID_REQUEST: the only value of a filter that it can reject
 * is a number out of range for JSONB.
 */
export function filtered<Answer>(answer: Promise<Answer>): Promise<Answer> {
  return answer.catch((error) => {
    if (!isDataFault(error)) throw error
    throw invalidRequest("filter.metadata_contains_json", "holds a number out of range for JSONB")
  })
}
