import type { Json, JsonObject } from "../json/json.js"
import { isTruthy } from "../python/pythonValues.js"
import { parseTime } from "../time/time.js"

/** The request that constraints are evaluated for. */
export type ConstraintRequest = {
  action: string
  /** The caller's context for the action; EATP knows `current_time` (a time as text) and `contains_pii`. */
  context: JsonObject
  /** The time of the request, in microseconds since 1970 UTC; used unless the context has a current_time. */
  nowMicros: bigint
}

/**
 * Why a constraint forbids an action (EATP VERIFY, evaluation of constraints), in the reference implementation's words;
 * undefined if it does not. A constraint that EATP does not know forbids nothing.
 */
export function forbids(value: Json, request: ConstraintRequest): string | undefined {
  return ruleOf(value)?.(request)
}

/** Whether EATP has a rule for a constraint; without a rule, it permits everything. */
export function isEvaluated(value: Json): boolean {
  return ruleOf(value) !== undefined
}

function ruleOf(value: Json): ((request: ConstraintRequest) => string | undefined) | undefined {
  // Python prints no other value as the name of a rule.
  if (typeof value !== "string") return undefined
  const constraint = value.toLowerCase()
  if (constraint === "business_hours_only" || constraint.startsWith("time_window")) return outsideHours
  if (constraint === "read_only") return writes
  if (constraint === "no_pii_export") return exportsPii
  return undefined
}

function outsideHours(request: ConstraintRequest): string | undefined {
  const hour = hourOf(request)
  if (hour === undefined) return "Action not permitted outside business hours (current_time is not a time)"
  if (hour >= 9 && hour < 17) return undefined
  return `Action not permitted outside business hours (current hour: ${hour})`
}

// The hour in the time's own offset. The reference implementation ignores text; we parse it.
function hourOf({ context, nowMicros }: ConstraintRequest): number | undefined {
  const given = context.get("current_time")
  if (given === undefined) return Number((nowMicros / 3_600_000_000n) % 24n)
  const time = typeof given === "string" ? parseTime(given) : undefined
  return time === undefined ? undefined : Number(time.isoformat.slice(11, 13))
}

const WRITES = ["write", "update", "delete", "create", "modify"]

function writes({ action }: ConstraintRequest): string | undefined {
  const lower = action.toLowerCase()
  if (!WRITES.some((word) => lower.includes(word))) return undefined
  return `Write action '${action}' not permitted under read_only constraint`
}

function exportsPii({ action, context }: ConstraintRequest): string | undefined {
  const isExport = action.toLowerCase().includes("export") && isTruthy(context.get("contains_pii") ?? false)
  return isExport ? "Cannot export data containing PII" : undefined
}
