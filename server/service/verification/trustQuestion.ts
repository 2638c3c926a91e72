import {
  heedProblem,
  JsonObject,
  jsonProblem,
  MAX_HEEDS,
  parseJson,
  type ShapeLimits,
} from "@trust-registry/eatp"
import type { VerifyTrustRequest } from "@trust-registry/proto"
import { invalidRequest } from "../../errors.js"
import { assureAgentId, assureText } from "../request/fields.js"

/** Longest action and resource, in bytes of UTF-8. */
const MAX_TEXT_BYTES = 4_096
/** Longest context, and most values in it. Rules read two of them; each is an object in memory. */
const MAX_CONTEXT_BYTES = 262_144
const MAX_CONTEXT_VALUES = 1_000

/** The fields common to VerifyTrust and CheckAuthority. */
export type TrustQuestion = Pick<
  VerifyTrustRequest,
  "agentId" | "action" | "resource" | "contextJson" | "heeds"
>

/** The rules by which questions are read and answered. */
export interface QuestionRules extends ShapeLimits {
  /** As ChainRules.maxRecordAgeMs. */
  maxRecordAgeMs: number
}

/** Throws INVALID_REQUEST unless these fields are valid. */
export function assureQuestion(
  { agentId, action, resource, heeds }: TrustQuestion,
  limits: ShapeLimits,
): void {
  assureAgentId(agentId, limits)
  assureText("action", action, MAX_TEXT_BYTES)
  assureText("resource", resource, MAX_TEXT_BYTES)
  if (heeds.length > MAX_HEEDS)
    throw invalidRequest("heeds", `has ${heeds.length} entries; at most ${MAX_HEEDS} are allowed`)
  for (const [index, heed] of heeds.entries()) {
    const problem = heedProblem(heed)
    if (problem !== undefined) throw invalidRequest(`heeds[${index}]`, problem)
  }
}

/** The context for constraints. Throws INVALID_REQUEST unless it is a JSON object. */
export function contextOf({ contextJson }: TrustQuestion, limits: ShapeLimits): JsonObject | undefined {
  if (contextJson === "") return undefined
  assureText("context_json", contextJson, MAX_CONTEXT_BYTES)
  const problem = jsonProblem(contextJson, "context_json", limits.maxJsonDepth, MAX_CONTEXT_VALUES)
  if (problem) throw invalidRequest("context_json", problem)
  const context = parseJson(contextJson, { maxDepth: limits.maxJsonDepth })
  return context instanceof JsonObject ? context : undefined
}
