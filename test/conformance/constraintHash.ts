import {
  constraintPreimage,
  type HashedConstraint,
  hashConstraints,
  type Json,
  JsonObject,
  parseJson,
  pythonStr,
  readChainDict,
} from "@trust-registry/eatp"
import { chainAround } from "./chainAround.js"
import { type Checker, judge, nameOf, objectAt, objectsAt, same, textAt } from "./vectors.js"

/**
 * constraint_hash.json: the hash of an envelope's constraints, with the text of each value as Python prints
 * it.
 */
export const constraintHash: Checker = function* (file) {
  for (const [index, vector] of objectsAt(file, "cases").entries()) {
    yield judge(nameOf(vector, index), () => check(vector))
  }
}

function check(vector: JsonObject): void {
  const expected = objectAt(vector, "expected")
  const constraints = parseJson(textAt(vector, "active_constraints_json")) as JsonObject[]
  const values = constraints.map((constraint) => pythonStr(constraint.get("value") as Json))
  same("values_str", JSON.stringify(values), JSON.stringify(expected.get("values_str")))
  const { recomputed, onConstruction, sorted } = hashThrough(constraints)
  same("preimage", constraintPreimage(sorted), expected.get("preimage"))
  same("recomputed", hashConstraints(sorted), expected.get("recomputed"))
  same("on_construction", onConstruction, expected.get("on_construction"))
  if (constraints.length > 0) same("recomputed in a chain", recomputed, expected.get("recomputed"))
}

// The whole way of a chain that comes without a hash: read, sorted, hashed.
function hashThrough(constraints: JsonObject[]) {
  const { dict, recomputedConstraintHash } = readChainDict(
    chainAround({ constraint_envelope: envelopeOf(constraints) }),
  )
  const envelope = dict.get("constraint_envelope") as JsonObject
  const ids = new Map(constraints.map((constraint, index) => [constraint, index]))
  const sorted = [...constraints].sort(
    (a, b) => order(a, b) || (ids.get(a) as number) - (ids.get(b) as number),
  )
  return {
    recomputed: recomputedConstraintHash,
    onConstruction: envelope.get("constraint_hash"),
    sorted: sorted.map(hashed),
  }
}

// Python's order of texts is that of code points, and so of UTF-32 (and UTF-8) bytes.
function order(a: JsonObject, b: JsonObject): number {
  return Buffer.compare(Buffer.from(a.get("id") as string), Buffer.from(b.get("id") as string))
}

function hashed(constraint: JsonObject): HashedConstraint {
  return {
    id: constraint.get("id") as Json,
    type: textAt(constraint, "constraint_type"),
    value: constraint.get("value") as Json,
  }
}

function envelopeOf(constraints: JsonObject[]): JsonObject {
  return new JsonObject([
    ["id", "envelope"],
    ["agent_id", "agent"],
    ["active_constraints", constraints],
  ])
}
