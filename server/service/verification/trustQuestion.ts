import { JsonObject, jsonProblem, parseJson, type ShapeLimits } from "@trust-registry/eatp"
import type { VerifyTrustRequest } from "@trust-registry/proto"
import { invalidRequest } from "../../errors.js"
import { assureAgentId, assureText } from "../request/fields.js"

/** Longest action and resource, in bytes of UTF-8. */
const MAX_TEXT_BYTES = 4_096

/** What every question of trust holds. */
export type TrustQuestion = Pick<VerifyTrustRequest, "agentId" | "action" | "resource" | "contextJson">

/** Throws INVALID_REQUEST for what is no question of trust. */
export function assureQuestion({ agentId, action, resource }: TrustQuestion, limits: ShapeLimits): void {
  assureAgentId(agentId, limits)
  assureText("action", action, MAX_TEXT_BYTES)
  assureText("resource", resource, MAX_TEXT_BYTES)
}

/** What constraints may look at. Throws INVALID_REQUEST for what is no JSON object. */
export function contextOf({ contextJson }: TrustQuestion, limits: ShapeLimits): JsonObject | undefined {
  if (contextJson === "") return undefined
  const problem = jsonProblem(contextJson, "context_json", limits.maxJsonDepth)
  if (problem) throw invalidRequest("context_json", problem)
  const context = parseJson(contextJson, { maxDepth: limits.maxJsonDepth })
  return context instanceof JsonObject ? context : undefined
}
