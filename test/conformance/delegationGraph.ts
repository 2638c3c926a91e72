import {
  cascade,
  DelegationCycleError,
  type DelegationEdge,
  delegationChain,
  delegationCycle,
  delegationProblems,
  type Json,
  JsonNumber,
  type JsonObject,
  type LinkedDelegation,
  looserConstraints,
  mayDelegate,
} from "@trust-registry/eatp"
import { type Checker, judge, nameOf, objectAt, objectsAt, optionalTextAt, same, textAt } from "./vectors.js"

/**
 * delegation_graph.json: the order of delegations, circles, who falls with whom, and constraints that only
 * tighten.
 */
export const delegationGraph: Checker = function* (file) {
  for (const [index, vector] of objectsAt(file, "cases").entries()) {
    yield judge(nameOf(vector, index), () => checkOrder(vector))
  }
  for (const [index, vector] of objectsAt(file, "graph_cases").entries()) {
    yield judge(nameOf(vector, index), () => checkGraph(vector))
  }
  for (const [index, vector] of objectsAt(file, "cascade_cases").entries()) {
    yield judge(nameOf(vector, index), () => checkCascade(vector))
  }
  for (const [index, vector] of objectsAt(file, "constraint_inheritance_cases").entries()) {
    yield judge(nameOf(vector, index), () => checkTightening(vector))
  }
}

function checkOrder(vector: JsonObject): string | undefined {
  const expected = objectAt(vector, "expected")
  const links = objectsAt(vector, "delegations").map((link) => ({
    id: textAt(link, "id"),
    parentDelegationId: optionalTextAt(link, "parent_delegation_id"),
  }))
  const maxDepth = integerOf(vector.get("max_depth"))
  const found = orderOf(links, maxDepth)
  if (expected.has("ids")) {
    same("ids", JSON.stringify(found.ids), JSON.stringify(expected.get("ids")))
    // The reference implementation looks at the way to the first leaf; our write rule at all of them.
    const problem = delegationProblems(links, maxDepth)[0]
    return problem && `on write: ${problem.kind}`
  }
  same("message", found.message, textAt(expected, "message").split(" - Details")[0])
  const cycle = expected.get("cycle_path")
  if (cycle !== undefined) same("cycle_path", JSON.stringify(found.cycle), JSON.stringify(cycle))
  same("refused on write", delegationProblems(links, maxDepth).length > 0, true)
  return undefined
}

function orderOf(
  links: LinkedDelegation[],
  maxDepth: number,
): { ids?: string[]; message?: string; cycle?: readonly string[] } {
  try {
    return { ids: delegationChain(links, maxDepth).map(({ id }) => id) }
  } catch (error) {
    if (error instanceof DelegationCycleError) return { message: error.message, cycle: error.cyclePath }
    return { message: error instanceof Error ? error.message : String(error) }
  }
}

function checkGraph(vector: JsonObject): void {
  const expected = objectAt(vector, "expected")
  const edges = edgesOf(vector.get("edges"))
  same("has_cycle", delegationCycle(edges) !== undefined, expected.get("has_cycle"))
  const edge = edgesOf([vector.get("new_edge") ?? null])[0]
  if (edge !== undefined)
    same("new_delegation_allowed", mayDelegate(edges, edge), expected.get("new_delegation_allowed"))
}

function checkCascade(vector: JsonObject): void {
  const expected = objectAt(vector, "expected")
  const target = textAt(vector, "target")
  const revoked = cascade(edgesOf(vector.get("edges")), target, integerOf(vector.get("max_depth")))
  same("revoked_set", JSON.stringify([...revoked].sort()), JSON.stringify(expected.get("revoked_set")))
  same("event_count", revoked.length, integerOf(expected.get("event_count")))
  same("first_event", revoked[0], objectAt(expected, "first_event").get("target"))
}

function checkTightening(vector: JsonObject): string | undefined {
  const expected = objectAt(vector, "expected")
  const [parent, child] = [objectAt(vector, "parent"), objectAt(vector, "child")]
  const found = looserConstraints(parent, child).map(({ violation }) => violation)
  const beside = listAt(parent, "resources").some((pattern) =>
    listAt(child, "resources").some((item) => isBeside(pattern, item)),
  )
  const stricter = beside && found.includes("resources_expanded") && expected.get("valid") === true
  if (stricter) return "looser: a pattern's folder does not cover what is beside it"
  same("valid", found.length === 0, expected.get("valid"))
  same("violations", JSON.stringify(found), JSON.stringify(expected.get("violations")))
  return undefined
}

// The reference implementation lets `db/**` cover `dbx/secret`: it compares the beginning without the slash.
function isBeside(pattern: string, resource: string): boolean {
  const folder = pattern.endsWith("/**") ? pattern.slice(0, -3) : undefined
  return folder !== undefined && resource.startsWith(folder) && !resource.startsWith(`${folder}/`)
}

function listAt(object: JsonObject, key: string): string[] {
  const list = object.get(key) ?? []
  return (Array.isArray(list) ? list : [list]).filter((item) => typeof item === "string")
}

function edgesOf(value: Json | undefined): DelegationEdge[] {
  const pairs = (value as (string[] | null)[]).filter((pair) => pair !== null)
  return pairs.map(([from, to]) => [from ?? "", to ?? ""])
}

function integerOf(value: Json | undefined): number {
  return value instanceof JsonNumber ? Number(value.text) : Number.NaN
}
