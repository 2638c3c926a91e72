import type { JsonObject } from "@trust-registry/eatp"
import {
  cascade,
  DelegationCycleError,
  type DelegationEdge,
  delegationChain,
  delegationCycle,
  type Json,
  looserConstraints,
  mayDelegate,
  parseJson,
} from "@trust-registry/eatp"
import { object } from "./documents.js"
import { integer, type Vectors } from "./trustCases.js"

// Delegations as `id<parent`, edges as `from>to`, in words.
const orders = [
  "",
  "a",
  "b<a a",
  "c<b b<a a x",
  "a<b b<a",
  "l<a a<b b<a",
  "r a<b b<a",
  "a<ghost b<a",
  "a<a",
  "x<r r y<r",
]
const graphs: [edges: string, next: string][] = [
  ["a>b b>c", "c>d"],
  ["a>b b>c", "c>a"],
  ["a>b c>d d>c", "x>y"],
  ["é>n n>é", "a>b"],
  ["", "a>a"],
]
const cascades: [edges: string, target: string, depth: number][] = [
  ["a>b b>c x>y", "a", 100],
  ["a>b b>c c>a", "b", 100],
  ["a>b b>c c>d", "a", 1],
]
const constraints: [parent: string, child: string][] = [
  ['{"cost_limit":10}', '{"cost_limit":10.5}'],
  ['{"cost_limit":"10","rate_limit":5}', '{"cost_limit":"9"}'],
  ['{"forbidden_actions":["x"],"allowed_actions":["a"]}', '{"allowed_actions":["b"]}'],
  [
    '{"resources":["db/**"],"time_window":"09:00-17:00"}',
    '{"resources":["db/a/b"],"time_window":"08:59-10:00"}',
  ],
  ['{"api":{"per":{"users":5}}}', '{"api":{"per":{"users":6}}}'],
  ["{}", '{"cost_limit":1e99}'],
  ['{"allowed_actions":[1]}', '{"allowed_actions":["1"]}'],
  ['{"cost_limit":1000}', '{"cost_limit":"５０００"}'],
  ['{"cost_limit":1000}', '{"cost_limit":"\\u001f5000"}'],
  ['{"time_window":"always"}', '{"time_window":"always"}'],
]

/** Order of delegations, circles, cascades, and constraints that tighten or do not. */
export function graphVectors(): Vectors {
  return {
    description: "Delegation graphs",
    cases: orders.map(orderCase),
    extra: {
      graph_cases: graphs.map(graphCase),
      cascade_cases: cascades.map(cascadeCase),
      constraint_inheritance_cases: constraints.map(constraintCase),
    },
  }
}

function orderCase(text: string): Json {
  const links = words(text).map((word) => {
    const [id = "", parentDelegationId] = word.split("<")
    return { id, parentDelegationId }
  })
  const delegations = links.map(({ id, parentDelegationId: parent }) =>
    object({ id, parent_delegation_id: parent ?? null }),
  )
  return object({ name: text, delegations, max_depth: integer(100), expected: orderOf(links) })
}

function orderOf(links: { id: string; parentDelegationId: string | undefined }[]): JsonObject {
  try {
    return object({ ids: delegationChain(links).map(({ id }) => id) })
  } catch (error) {
    if (!(error instanceof DelegationCycleError)) throw error
    const { message, cyclePath } = error
    return object({ error: "DelegationCycleError", message, cycle_path: [...cyclePath] })
  }
}

function graphCase([text, next]: [string, string]): Json {
  const [edges, edge] = [edgesOf(text), edgesOf(next)[0] as DelegationEdge]
  const expected = object({
    has_cycle: delegationCycle(edges) !== undefined,
    new_delegation_allowed: mayDelegate(edges, edge),
  })
  return object({ name: `${text}, then ${next}`, edges: edges.map(pair), new_edge: pair(edge), expected })
}

function cascadeCase([text, target, depth]: [string, string, number]): Json {
  const revoked = cascade(edgesOf(text), target, depth)
  const expected = object({
    revoked_set: [...revoked].sort(),
    event_count: integer(revoked.length),
    first_event: object({ target, type: "agent_revoked" }),
  })
  const edges = edgesOf(text).map(pair)
  return object({ name: `${target} of ${text}`, edges, target, max_depth: integer(depth), expected })
}

function constraintCase([parentText, childText]: [string, string]): Json {
  const [parent, child] = [parseJson(parentText) as JsonObject, parseJson(childText) as JsonObject]
  const violations = looserConstraints(parent, child).map(({ violation }) => violation)
  const expected = object({ valid: violations.length === 0, violations })
  return object({ name: `${parentText} to ${childText}`, parent, child, expected })
}

function words(text: string): string[] {
  return text.split(" ").filter(Boolean)
}

function edgesOf(text: string): DelegationEdge[] {
  return words(text).map((word) => word.split(">") as [string, string])
}

function pair([from, to]: DelegationEdge): Json {
  return [from, to]
}
