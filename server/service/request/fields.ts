import { isUuid, type ShapeLimits, textProblem } from "@trust-registry/eatp"
import { ErrorReason } from "@trust-registry/proto"
import { type FieldViolation, invalidRequest, RegistryError } from "../../errors.js"

/** What is wrong with an id, or undefined. */
export function idFault(id: string, { maxIdBytes }: ShapeLimits): string | undefined {
  if (id === "") return "is empty"
  const bytes = Buffer.byteLength(id)
  if (bytes > maxIdBytes) return `is ${bytes} bytes long; at most ${maxIdBytes} are allowed`
  return textProblem(id)
}

/** Throws INVALID_REQUEST unless the field holds an id. */
export function assureId(field: string, id: string, limits: ShapeLimits): void {
  const fault = idFault(id, limits)
  if (fault) throw invalidRequest(field, fault)
}

/** Throws INVALID_REQUEST unless the agent id is valid. */
export function assureAgentId(agentId: string, limits: ShapeLimits): void {
  assureId("agent_id", agentId, limits)
}

/** Throws INVALID_REQUEST unless the authority id is valid. */
export function assureAuthorityId(authorityId: string, limits: ShapeLimits): void {
  assureId("authority_id", authorityId, limits)
}

/** Throws INVALID_REQUEST unless the field holds a UUID. */
export function assureUuid(field: string, text: string): void {
  if (!isUuid(text)) throw invalidRequest(field, "is not a UUID")
}

/** Throws INVALID_REQUEST unless the request id is empty or a UUID. */
export function assureRequestId(requestId: string): void {
  if (requestId !== "") assureUuid("request_id", requestId)
}

/** Throws INVALID_REQUEST unless the expected revision is unset or at least `least`. */
export function assureExpectedRevision(revision: bigint | undefined, least: 0n | 1n): void {
  if (revision !== undefined && revision < least)
    throw invalidRequest("expected_revision", `is ${revision}; at least ${least} is allowed here`)
}

/** Throws INVALID_REQUEST unless the text is well-formed and at most `maxBytes` long. */
export function assureText(field: string, text: string, maxBytes: number): void {
  const bytes = Buffer.byteLength(text)
  const fault =
    bytes > maxBytes ? `is ${bytes} bytes long; at most ${maxBytes} are allowed` : textProblem(text)
  if (fault) throw invalidRequest(field, fault)
}

/** Throws INVALID_REQUEST unless the number is within the bounds. */
export function assureWithin(field: string, value: number, least: number, most: number): void {
  if (value < least || value > most)
    throw invalidRequest(field, `is ${value}; ${least} to ${most} are allowed`)
}

/** Most agents in one request. */
const MAX_AGENTS = 1_000

/** Throws INVALID_REQUEST unless these are at most 1,000 valid ids without duplicates. */
export function assureAgentIds(agentIds: string[], limits: ShapeLimits): void {
  if (agentIds.length > MAX_AGENTS)
    throw invalidRequest("agent_ids", `has ${agentIds.length} ids; at most ${MAX_AGENTS} are allowed`)
  const places = new Map<string, number>()
  const violations: FieldViolation[] = []
  for (const [place, id] of agentIds.entries()) {
    const first = places.get(id)
    const fault = first === undefined ? idFault(id, limits) : `repeats agent_ids[${first}]`
    if (fault) violations.push({ field: `agent_ids[${place}]`, description: fault })
    if (first === undefined) places.set(id, place)
  }
  if (violations.length > 0)
    throw new RegistryError(ErrorReason.INVALID_REQUEST, sentenceOf(violations), { violations })
}

/** The text of an error: the first violation, and how many follow. */
export function sentenceOf(violations: FieldViolation[]): string {
  const [first, ...rest] = violations
  if (!first) return "nothing is wrong"
  return `${first.field}: ${first.description}${rest.length ? ` (and ${rest.length} more)` : ""}`
}
