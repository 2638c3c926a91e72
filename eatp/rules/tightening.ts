import { type Json, JsonNumber, JsonObject } from "../json/json.js"
import { pythonStr } from "../python/pythonStr.js"
import { isTruthy } from "../python/pythonValues.js"
import { numericLoosening } from "./numericLimit.js"
import { coverOf, MAX_STEPS } from "./resourcePattern.js"
import { windowWithin } from "./timeWindow.js"

/** A constraint of a delegatee that is looser than the delegator's; `violation` is EATP's word for it. */
export type Loosening = { violation: string; field: string; detail: string }

/**
 * Finds the constraints that are looser than the delegator's (EATP DELEGATE, validate_inheritance): limits may fall, lists
 * may shrink, forbidden actions stay forbidden. A delegator without constraints allows anything; a constraint that the
 * delegatee does not name is inherited. Empty if nothing is looser.
 */
export function looserConstraints(parent: JsonObject, child: JsonObject): Loosening[] {
  if (parent.size === 0) return []
  return [
    ...limits(parent, child),
    ...added(parent, child, "allowed_actions", "action_restriction_removed"),
    ...removed(parent, child),
    ...resources(parent, child),
    ...window(parent, child),
    ...added(parent, child, "data_scopes", "data_scope_expanded"),
    ...added(parent, child, "communication_targets", "communication_targets_expanded"),
    ...nested(parent, child, ""),
  ]
}

const LIMITS = {
  cost_limit: "cost_limit_increased",
  rate_limit: "rate_limit_increased",
  budget_limit: "budget_limit_increased",
  max_delegation_depth: "max_delegation_depth_increased",
  max_api_calls: "max_api_calls_increased",
}

function* limits(parent: JsonObject, child: JsonObject): Iterable<Loosening> {
  for (const [field, violation] of Object.entries(LIMITS)) {
    const detail = numericLoosening(parent.get(field) ?? null, child.get(field) ?? null)
    if (detail !== undefined) yield { violation, field, detail }
  }
}

function* added(
  parent: JsonObject,
  child: JsonObject,
  field: string,
  violation: string,
): Iterable<Loosening> {
  if (!parent.has(field)) return
  const allowed = new Set(itemsAt(parent, field).map(keyOf))
  const more = itemsAt(child, field).filter((item) => !allowed.has(keyOf(item)))
  if (more.length > 0) yield { violation, field, detail: `Not among the delegator's: ${pythonStr(more)}` }
}

function* removed(parent: JsonObject, child: JsonObject): Iterable<Loosening> {
  const kept = new Set(itemsAt(child, "forbidden_actions").map(keyOf))
  const gone = itemsAt(parent, "forbidden_actions").filter((item) => !kept.has(keyOf(item)))
  const field = "forbidden_actions"
  if (gone.length > 0)
    yield { violation: "forbidden_action_removed", field, detail: `Missing: ${pythonStr(gone)}` }
}

function* resources(parent: JsonObject, child: JsonObject): Iterable<Loosening> {
  if (!parent.has("resources")) return
  const patterns = itemsAt(parent, "resources")
  const covered = coverOf(patterns.filter((item) => typeof item === "string"))
  const same = new Set(patterns.map(keyOf))
  const own = itemsAt(child, "resources").map((resource) => ({
    resource,
    covered: typeof resource === "string" ? covered(resource) : same.has(keyOf(resource)),
  }))
  const more = own.filter((one) => one.covered !== true).map(({ resource }) => resource)
  if (more.length === 0) return
  const tooMuch = own.some((one) => one.covered === undefined)
  const detail = tooMuch
    ? `Comparing them with the delegator's takes more than ${MAX_STEPS} steps`
    : `Not covered by the delegator's: ${pythonStr(more)}`
  yield { violation: "resources_expanded", field: "resources", detail }
}

function* window(parent: JsonObject, child: JsonObject): Iterable<Loosening> {
  const [outer, inner] = [parent.get("time_window"), child.get("time_window") ?? null]
  if (outer === undefined || !isTruthy(inner)) return
  if (typeof outer === "string" && typeof inner === "string" && windowWithin(outer, inner)) return
  const detail = `Child window '${pythonStr(inner)}' not within parent window '${pythonStr(outer)}'`
  yield { violation: "time_window_expanded", field: "time_window", detail }
}

// Fields with a rule of their own; an object in their place is not inspected.
const ruled = new Set([
  ...Object.keys(LIMITS),
  ...["allowed_actions", "forbidden_actions", "resources", "time_window"],
  ...["data_scopes", "communication_targets", "geo_restrictions"],
])

function* nested(parent: JsonObject, child: JsonObject, prefix: string): Iterable<Loosening> {
  for (const [key, value] of parent) {
    if (!(value instanceof JsonObject) || ruled.has(key)) continue
    const own = child.get(key) ?? null
    const field = `${prefix}${key}`
    if (own instanceof JsonObject) yield* nestedLimits(value, own, `${field}.`)
    else if (own !== null) yield { violation: WIDENED, field, detail: "The delegator's is an object" }
  }
}

const WIDENED = "nested_constraint_widened"

function* nestedLimits(parent: JsonObject, child: JsonObject, prefix: string): Iterable<Loosening> {
  for (const [key, value] of parent) {
    const own = child.get(key) ?? null
    if (value instanceof JsonNumber || typeof value === "boolean") {
      const detail = numericLoosening(value, own)
      if (detail !== undefined) yield { violation: WIDENED, field: `${prefix}${key}`, detail }
    } else if (value instanceof JsonObject) {
      const deeper = isTruthy(own) ? new JsonObject([[key, own]]) : new JsonObject()
      yield* nested(new JsonObject([[key, value]]), deeper, prefix)
    }
  }
}

// A single value counts as a list of one.
function itemsAt(object: JsonObject, field: string): Json[] {
  const value: Json = object.get(field) ?? []
  return Array.isArray(value) ? value : [value]
}

// Values other than text are compared as Python prints them, and never equal a text.
function keyOf(item: Json): string {
  return typeof item === "string" ? `"${item}` : pythonStr(item)
}
