import { canonicalJson } from "../canonical/canonical.js"
import type { Json } from "../json/json.js"
import { pythonStr } from "../python/pythonStr.js"
import { sha256Hex } from "./sha256.js"

/** The parts of a constraint that its envelope's hash covers; source and priority are not among them. */
export type HashedConstraint = { id: Json; type: string; value: Json }

/**
 * The text under an envelope's constraint hash. It covers a value as Python's `str()` prints it: `1` and `"1"` hash the
 * same, and the order of an object's keys matters. The constraints are already sorted by id, equal ids in given order.
 *
 * @throws CanonicalError for a value that Python cannot read.
 */
export function constraintPreimage(sorted: HashedConstraint[]): string {
  return preimageOf(sorted.map(constraintText))
}

/** The part of one constraint in {@link constraintPreimage}. */
export function constraintText({ id, type, value }: HashedConstraint): string {
  // These keys are in canonical order.
  return `{"id":${canonicalJson(id)},"type":${canonicalJson(type)},"value":${canonicalJson(pythonStr(value))}}`
}

/** The hash over the parts of all constraints. */
export function hashTexts(texts: string[]): string {
  return sha256Hex(preimageOf(texts))
}

function preimageOf(texts: string[]): string {
  return `{"constraints":[${texts.join(",")}]}`
}

/** Lowercase hex SHA-256 of {@link constraintPreimage}; EATP leaves the hash of an empty envelope empty instead. */
export function hashConstraints(sorted: HashedConstraint[]): string {
  return sha256Hex(constraintPreimage(sorted))
}
