import {
  type ChainDict,
  chainFromDocument,
  contentHash,
  hashChain,
  type JsonObject,
  parseJson,
  readChainDict,
  stateHash,
  statePreimage,
} from "@trust-registry/eatp"
import { type Checker, judge, nameOf, objectsAt, same, textAt } from "./vectors.js"

/**
 * hash_sensitivity.json: which changes of a chain each of its hashes sees; our content hash must see every
 * one.
 */
export const hashSensitivity: Checker = function* (file) {
  for (const [index, vector] of objectsAt(file, "cases").entries()) {
    yield judge(nameOf(vector, index), () => check(vector))
  }
}

function check(vector: JsonObject): void {
  const base = readChainDict(parseJson(textAt(vector, "base_json")))
  const mutated = readChainDict(parseJson(textAt(vector, "mutated_json")))
  same("base_hash", stateHash(base.state), vector.get("base_hash"))
  same("mutated_hash", stateHash(mutated.state), vector.get("mutated_hash"))
  const differs = (hash: (chain: ChainDict) => string) => hash(base) !== hash(mutated)
  same(
    "hash_changes",
    differs(({ state }) => stateHash(state)),
    vector.get("hash_changes"),
  )
  same("chain_state_changes", differs(signedState), vector.get("chain_state_changes"))
  same(
    "trust_chain_hash_changes",
    differs(({ dict }) => hashChain(dict)),
    vector.get("trust_chain_hash_changes"),
  )
  same("content hash changes", contentOf(vector, "base_json") !== contentOf(vector, "mutated_json"), true)
}

function signedState({ state, recomputedConstraintHash }: ChainDict): string {
  return statePreimage({ ...state, constraintHash: recomputedConstraintHash })
}

function contentOf(vector: JsonObject, key: string): string {
  return contentHash(chainFromDocument(textAt(vector, key)).chain)
}
