import { canonicalJson } from "../canonical/canonical.js"
import { type Json, JsonObject } from "../json/json.js"
import { sha256Hex } from "./sha256.js"

/**
 * What EATP's state hash covers: ids and the stored constraint hash, nothing else of a chain. The ids are JSON values since
 * the reference implementation accepts any; those of a valid chain are strings. Lists of ids are already sorted.
 */
export type ChainState = {
  genesisId: Json
  capabilityIds: Json[]
  delegationIds: Json[]
  constraintHash: Json
}

/** The text under the state hash; also what the chain-state signature covers, with the recomputed constraint hash. */
export function statePreimage(state: ChainState, extra: Record<string, string> = {}): string {
  const object = new JsonObject([
    ["genesis_id", state.genesisId],
    ["capability_ids", state.capabilityIds],
    ["delegation_ids", state.delegationIds],
    ["constraint_hash", state.constraintHash],
  ])
  for (const [key, value] of Object.entries(extra)) object.set(key, value)
  return canonicalJson(object)
}

/** EATP's `chain.hash()`: lowercase hex. */
export function stateHash(state: ChainState): string {
  return sha256Hex(statePreimage(state))
}

/** The salted state hash (`hash_trust_chain_state_salted`), with or without the hash of an earlier state. */
export function saltedStateHash(state: ChainState, salt: string, previousHash?: string): string {
  return sha256Hex(saltedPreimage(state, salt, previousHash))
}

/** The text under {@link saltedStateHash}. */
export function saltedPreimage(state: ChainState, salt: string, previousHash?: string): string {
  return statePreimage(
    state,
    previousHash === undefined ? { salt } : { salt, previous_state_hash: previousHash },
  )
}

/** EATP's `chain.hash(previous_hash=…)`: salted with a salt that follows from the genesis id. Lowercase hex. */
export function linkedStateHash(state: ChainState, genesisId: string, previousHash: string): string {
  return saltedStateHash(state, linkedSalt(genesisId), previousHash)
}

/** The salt of {@link linkedStateHash}: 43 hex digits and `=`, which looks like base64 and is not. */
export function linkedSalt(genesisId: string): string {
  return `${sha256Hex(`${genesisId}:linked`).slice(0, 43)}=`
}
