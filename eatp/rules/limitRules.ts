import { JsonNumber } from "../json/json.js"
import { isTruthy } from "../python/pythonValues.js"
import { type ConstraintRequest, forbids } from "./constraintEvaluation.js"
import { offHours, outsideWindow } from "./limitHours.js"
import { listOf, matchesAny, outsideResources } from "./limitLists.js"
import { exceeds, limitNumber } from "./limitNumber.js"
import type { Limit } from "./limits.js"
import { readsOnly, wordsOf } from "./readingActions.js"

/** What a limit is judged by. */
export type LimitRequest = ConstraintRequest & {
  /** What the action would be done to; empty: unknown. */
  resource: string
  /** Whether what the limit applies to was delegated on. */
  delegatedOn: boolean
}

/**
 * What became of a limit. Unenforced is one without a rule, and one whose rule needs something that is missing; an unmet one has
 * the rule of {@link RULE_NAMES} that found it, or none if it was EATP's own.
 */
export type Judgement =
  | { state: "met" }
  | { state: "unmet"; reason: string; rule?: string }
  | { state: "unenforced"; needs: string }

/** Judges a limit, by EATP's rule for it and by ours: the stricter answer counts. */
export function judge(limit: Limit, request: LimitRequest): Judgement {
  const reason = forbids(limit.text, request)
  if (reason !== undefined) return { state: "unmet", reason }
  const [name, rule] = ruleOf(limit.name) ?? []
  if (name === undefined || rule === undefined) return { state: "unenforced", needs: "" }
  const found = rule(limit, request)
  if (found === undefined) return { state: "met" }
  return "needs" in found ? { state: "unenforced", ...found } : { state: "unmet", ...found, rule: name }
}

// What a rule finds: why the action is forbidden, or what it needs to say whether it is. Undefined: the limit is met.
type Finding = { reason: string } | { needs: string } | undefined
type Rule = (limit: Limit, request: LimitRequest) => Finding

const A_LIST = { needs: "a list as its value" }
const NUMBER = "max_*"

function ruleOf(limitName: string): readonly [string, Rule] | undefined {
  const name = limitName.replace(/^scope\./, "")
  if (name.startsWith("time_window"))
    return ["time_window", ({ value }, request) => outsideWindow(value, request)]
  return RULES.get(name) ?? (/^max_./.test(name) ? [NUMBER, numberRule] : undefined)
}

// For a limit that is on or off: by its value, or by its name alone.
const flag =
  (limiting: boolean, rule: (request: LimitRequest) => Finding): Rule =>
  ({ value }, request) => {
    const text = String(value).toLowerCase()
    if (text !== "true" && text !== "false") return { needs: "true or false as its value" }
    return (text === "true") === limiting ? rule(request) : undefined
  }

function writing({ action }: LimitRequest): Finding {
  return readsOnly(action) ? undefined : { reason: `Action '${action}' is not known to read only` }
}

function delegating({ delegatedOn }: LimitRequest): Finding {
  return delegatedOn ? { reason: "It was delegated on all the same" } : undefined
}

function exportingPii({ action, context }: LimitRequest): Finding {
  const given = context.get("contains_pii")
  if (given === false) return undefined
  const isExport = wordsOf(action).some((word) => word.startsWith("export"))
  if (isExport && isTruthy(given ?? false)) return { reason: "Cannot export data containing PII" }
  return !isExport && readsOnly(action) ? undefined : { needs: "contains_pii, true or false, in the context" }
}

const allowedActions: Rule = ({ value }, { action }) => {
  const list = listOf(value)
  if (list === undefined) return A_LIST
  return matchesAny(list, action) ? undefined : { reason: `Action '${action}' is not among those allowed` }
}

const forbiddenActions: Rule = ({ value }, { action }) => {
  const list = listOf(value)?.map((pattern) => pattern.toLowerCase())
  if (list === undefined) return A_LIST
  return matchesAny(list, action.toLowerCase()) ? { reason: `Action '${action}' is forbidden` } : undefined
}

const operations: Rule = ({ value }, { action }) => {
  const list = listOf(value)
  // EATP does not say whether an empty list means all or none.
  if (list === undefined || list.length === 0) return { needs: "a list of operations as its value" }
  if (matchesAny(list, action) || list.includes(wordsOf(action)[0] ?? "")) return undefined
  if (list.includes("read") && readsOnly(action)) return undefined
  return { reason: `Action '${action}' is none of the operations` }
}

const numberRule: Rule = ({ name, value }, { context }) => {
  const limit = limitNumber(value)
  if (limit === undefined) return { needs: "a number as its value" }
  const key = name.replace(/^(scope\.)?(max_)?/, "").replace(/^cost_limit$/, "cost")
  const own = context.get(key)
  const number = own instanceof JsonNumber ? limitNumber(own) : undefined
  if (number === undefined) return { needs: `a number ${key} in the context` }
  return exceeds(number, limit) ? { reason: `${key} is ${number}, more than ${limit}` } : undefined
}

const oneOf =
  (key: string): Rule =>
  ({ value }, { context }) => {
    const list = listOf(value)
    if (list === undefined) return A_LIST
    const own = context.get(key)
    if (typeof own !== "string" || own === "") return { needs: `a text ${key} in the context` }
    const isListed = list.some((text) => text.toLowerCase() === own.toLowerCase())
    return isListed ? undefined : { reason: `${key} '${own}' is not among those allowed` }
  }

const resources: Rule = ({ value }, { resource }) => {
  const list = listOf(value)
  if (list === undefined) return A_LIST
  if (resource === "") return { needs: "resource in the request" }
  return outsideResources(list, resource)
}

// By the name of a limit: the rule, and the name that it is known by.
const RULES: ReadonlyMap<string, readonly [string, Rule]> = new Map<string, readonly [string, Rule]>([
  ["business_hours_only", ["business_hours_only", flag(true, offHours)]],
  ["read_only", ["read_only", flag(true, writing)]],
  ["read-only", ["read_only", flag(true, writing)]],
  ["read only", ["read_only", flag(true, writing)]],
  ["readonly", ["read_only", flag(true, writing)]],
  ["allow_state_mutation", ["allow_state_mutation", flag(false, writing)]],
  ["no_pii_export", ["no_pii_export", flag(true, exportingPii)]],
  ["no_delegation", ["no_delegation", flag(true, delegating)]],
  ["allow_delegation", ["no_delegation", flag(false, delegating)]],
  ["allowed_actions", ["allowed_actions", allowedActions]],
  ["forbidden_actions", ["forbidden_actions", forbiddenActions]],
  ["operations", ["operations", operations]],
  ["cost_limit", [NUMBER, numberRule]],
  ["geo", ["geo", oneOf("geo")]],
  ["geo_restrictions", ["geo", oneOf("geo")]],
  ["region", ["geo", oneOf("region")]],
  ["domain", ["domain", oneOf("domain")]],
  ["allowed_tools", ["allowed_tools", oneOf("tool")]],
  ["resources", ["resources", resources]],
])

/** The rules whose answers are stricter than those of EATP's reference implementation. */
export const RULE_NAMES: ReadonlySet<string> = new Set([
  "time_window",
  ...Array.from(RULES.values(), ([name]) => name),
])
