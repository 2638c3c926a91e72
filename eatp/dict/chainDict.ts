import { authorityWords, capabilityWords, constraintWords } from "../document/words.js"
import { type HashedConstraint, hashConstraints } from "../hash/constraintHash.js"
import { type ChainState, stateHash } from "../hash/stateHash.js"
import { type Json, JsonNumber, JsonObject } from "../json/json.js"
import { pythonStr } from "../python/pythonStr.js"
import { isTruthy, itemsOf, member, memberOr, sortedBy } from "../python/pythonValues.js"
import { delegationDict } from "./chainDictDelegation.js"
import { optionalTimeDict, timeDict, wordDict } from "./dictFields.js"

/** A chain as the reference implementation represents it after `from_dict`. */
export type ChainDict = {
  /** The result of its `to_dict`, keys in that order. */
  dict: JsonObject
  /** What its `hash` covers. */
  state: ChainState
  /** The constraint hash recomputed from the constraints; empty without constraints. */
  recomputedConstraintHash: string
}

/**
 * Does what the reference implementation's `TrustLineageChain.from_dict` and then `to_dict` do with a document, `to_dict`'s
 * or the full form, without our registry's own rules: it checks few types and drops much.
 *
 * @throws FromDictError if `from_dict` or `to_dict` raises; CanonicalError for a number without canonical form.
 */
export function readChainDict(document: Json): ChainDict {
  const genesis = genesisDict(member(document, "genesis"))
  const capabilities = itemsOf(memberOr(document, "capabilities", [])).map(capabilityDict)
  const delegations = itemsOf(memberOr(document, "delegations", [])).map(delegationDict)
  const envelope = readEnvelope(memberOr(document, "constraint_envelope", null), genesis)
  const state = {
    genesisId: member(genesis, "id"),
    capabilityIds: sortedIds(capabilities),
    delegationIds: sortedIds(delegations),
    constraintHash: member(envelope.dict, "constraint_hash"),
  }
  const dict = new JsonObject([
    ["genesis", genesis],
    ["capabilities", capabilities],
    ["delegations", delegations],
    ["constraint_envelope", envelope.dict],
    ["chain_hash", stateHash(state)],
  ])
  const signature = memberOr(document, "chain_state_signature", null)
  if (signature !== null) dict.set("chain_state_signature", signature)
  return { dict, state, recomputedConstraintHash: envelope.recomputedHash }
}

function sortedIds(records: JsonObject[]): Json[] {
  return sortedBy(
    records.map((record) => member(record, "id")),
    (id) => id,
  )
}

function genesisDict(genesis: Json): JsonObject {
  return new JsonObject([
    ["id", member(genesis, "id")],
    ["agent_id", member(genesis, "agent_id")],
    ["authority_id", member(genesis, "authority_id")],
    ["authority_type", wordDict(member(genesis, "authority_type"), authorityWords)],
    ["created_at", timeDict(member(genesis, "created_at"))],
    ["expires_at", optionalTimeDict(memberOr(genesis, "expires_at", null))],
    ["signature_algorithm", memberOr(genesis, "signature_algorithm", "Ed25519")],
    ["metadata", memberOr(genesis, "metadata", new JsonObject())],
  ])
}

function capabilityDict(capability: Json): JsonObject {
  const dict = new JsonObject([
    ["id", member(capability, "id")],
    ["capability", member(capability, "capability")],
    ["capability_type", wordDict(member(capability, "capability_type"), capabilityWords)],
    ["constraints", member(capability, "constraints")],
    ["attester_id", member(capability, "attester_id")],
    ["attested_at", timeDict(member(capability, "attested_at"))],
    ["expires_at", optionalTimeDict(memberOr(capability, "expires_at", null))],
    ["scope", memberOr(capability, "scope", null)],
  ])
  const version = memberOr(capability, "signing_payload_version", LEGACY_VERSION)
  if (version !== LEGACY_VERSION) dict.set("signing_payload_version", version)
  return dict
}

const LEGACY_VERSION = "legacy-python-v0"

function readEnvelope(envelope: Json, genesis: JsonObject): { dict: JsonObject; recomputedHash: string } {
  if (!isTruthy(envelope)) return { dict: defaultEnvelope(genesis), recomputedHash: "" }
  const constraints = itemsOf(memberOr(envelope, "active_constraints", [])).map(constraintDict)
  const stored = memberOr(envelope, "constraint_hash", "")
  const recomputedHash = constraints.length === 0 ? "" : hashConstraints(hashed(constraints))
  const dict = new JsonObject([
    ["id", member(envelope, "id")],
    ["agent_id", member(envelope, "agent_id")],
    ["constraint_hash", isTruthy(stored) || constraints.length === 0 ? stored : recomputedHash],
    ["active_constraints", constraints],
  ])
  return { dict, recomputedHash }
}

function defaultEnvelope(genesis: JsonObject): JsonObject {
  const agentId = member(genesis, "agent_id")
  return new JsonObject([
    ["id", `env-${pythonStr(agentId)}`],
    ["agent_id", agentId],
    ["constraint_hash", ""],
    ["active_constraints", []],
  ])
}

function constraintDict(constraint: Json): JsonObject {
  return new JsonObject([
    ["id", member(constraint, "id")],
    ["constraint_type", wordDict(member(constraint, "constraint_type"), constraintWords)],
    ["value", member(constraint, "value")],
    ["source", member(constraint, "source")],
    ["priority", memberOr(constraint, "priority", new JsonNumber("0"))],
  ])
}

function hashed(constraints: JsonObject[]): HashedConstraint[] {
  return sortedBy(constraints, (constraint) => member(constraint, "id")).map((constraint) => ({
    id: member(constraint, "id"),
    type: wordDict(member(constraint, "constraint_type"), constraintWords),
    value: member(constraint, "value"),
  }))
}
