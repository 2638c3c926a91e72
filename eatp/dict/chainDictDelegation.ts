import { REASONING_BOUNDS } from "../document/reasoningBounds.js"
import { confidentialityWords, dimensionWords } from "../document/words.js"
import { type Json, JsonNumber, JsonObject } from "../json/json.js"
import { FromDictError, isTruthy, itemsOf, lengthOf, member, memberOr } from "../python/pythonValues.js"
import { optionalTimeDict, timeDict, wordDict } from "./dictFields.js"

const LEGACY_VERSION = "legacy-python-v0"
const V3_VERSION = "v3-complete"

/** A delegation as `to_dict` writes it after `from_dict`; throws as readChainDict does. */
export function delegationDict(delegation: Json): JsonObject {
  const version = memberOr(delegation, "signing_payload_version", LEGACY_VERSION)
  const dict = new JsonObject([
    ["id", member(delegation, "id")],
    ["delegator_id", member(delegation, "delegator_id")],
    ["delegatee_id", member(delegation, "delegatee_id")],
    ["task_id", member(delegation, "task_id")],
    ["capabilities_delegated", member(delegation, "capabilities_delegated")],
    ["constraint_subset", member(delegation, "constraint_subset")],
    ["delegated_at", timeDict(member(delegation, "delegated_at"))],
    ["expires_at", optionalTimeDict(memberOr(delegation, "expires_at", null))],
    ["parent_delegation_id", memberOr(delegation, "parent_delegation_id", null)],
    ["signing_payload_version", version],
  ])
  addDimensionScope(dict, memberOr(delegation, "dimension_scope", null))
  addEngineFields(dict, delegation)
  addMultiSig(dict, delegation, version)
  addReasoning(dict, delegation)
  return dict
}

function addDimensionScope(dict: JsonObject, scope: Json): void {
  if (scope === null) return
  const words = new Set(itemsOf(scope).map((word) => wordDict(word, dimensionWords)))
  if (words.size === 0) throw new FromDictError("dimension_scope is empty")
  if (words.size < dimensionWords.length) dict.set("dimension_scope", [...words].sort())
}

function addEngineFields(dict: JsonObject, delegation: Json): void {
  const constraints = memberOr(delegation, "constraints", null)
  if (constraints !== null) dict.set("constraints", dimensionsDict(constraints))
  const limits = memberOr(delegation, "resource_limits", null)
  if (limits !== null) dict.set("resource_limits", picked(limits, LIMIT_KEYS))
  const scope = memberOr(delegation, "scope", null)
  if (scope !== null) dict.set("scope", scopeDict(scope))
}

const FLAG_KEYS = [
  "allow_code_execution",
  "allow_delegation",
  "allow_filesystem",
  "allow_network",
  "allow_state_mutation",
]
const LIMIT_KEYS = ["max_execution_secs", "max_llm_calls", "max_tool_calls", "max_total_tokens"]

function picked(source: Json, keys: string[]): JsonObject {
  return new JsonObject(keys.map((key) => [key, member(source, key)]))
}

function dimensionsDict(constraints: Json): JsonObject {
  const dict = picked(constraints, FLAG_KEYS)
  const tools = memberOr(constraints, "allowed_tools", null)
  dict.set("allowed_tools", tools === null ? null : itemsOf(tools))
  dict.set("max_context_tokens", member(constraints, "max_context_tokens"))
  return dict.set("reasoning_required", member(constraints, "reasoning_required"))
}

function scopeDict(scope: Json): JsonObject {
  const operations = memberOr(scope, "operations", null)
  return new JsonObject([
    ["domain", member(scope, "domain")],
    ["max_financial_cents", memberOr(scope, "max_financial_cents", null)],
    ["operations", isTruthy(operations) ? itemsOf(operations) : []],
  ])
}

function addMultiSig(dict: JsonObject, delegation: Json, version: Json): void {
  const multiSig = isTruthy(memberOr(delegation, "multi_sig", false))
  const policy = memberOr(delegation, "multi_sig_policy", null)
  if (multiSig !== (policy !== null)) throw new FromDictError("multi_sig and multi_sig_policy go together")
  if (!multiSig) return
  if (version !== V3_VERSION) throw new FromDictError(`A multi_sig record is ${V3_VERSION}`)
  dict.set("multi_sig", true).set("multi_sig_policy", policyDict(policy))
}

function policyDict(policy: Json): JsonObject {
  const threshold = member(policy, "threshold")
  const signers = itemsOf(member(policy, "authorized_signers")).map(signerHex)
  if (signers.length === 0 || new Set(signers).size < signers.length) {
    throw new FromDictError("authorized_signers must be distinct and not empty")
  }
  const quorum = threshold instanceof JsonNumber && threshold.isInteger ? Number(threshold.text) : 0
  if (quorum < 1 || quorum > signers.length)
    throw new FromDictError("threshold is 1 to the number of signers")
  return new JsonObject([
    ["threshold", threshold],
    ["authorized_signers", signers],
  ])
}

// bytes.fromhex takes white space between bytes, but not inside one.
const hexBytes = /^[ \t-\r]*(?:[0-9a-fA-F]{2}[ \t-\r]*)*$/

function signerHex(signer: Json): string {
  const hex = typeof signer === "string" && hexBytes.test(signer) ? signer.replace(/[ \t-\r]/g, "") : ""
  if (hex.length !== 64) throw new FromDictError("A signer is 32 bytes of hex")
  return hex.toLowerCase()
}

function addReasoning(dict: JsonObject, delegation: Json): void {
  const trace = memberOr(delegation, "reasoning_trace", null)
  if (isTruthy(trace)) dict.set("reasoning_trace", reasoningDict(trace))
  for (const key of ["reasoning_trace_hash", "reasoning_signature"]) {
    const value = memberOr(delegation, key, null)
    if (isTruthy(value)) dict.set(key, value)
  }
}

function reasoningDict(trace: Json): JsonObject {
  const dict = new JsonObject([
    ["decision", member(trace, "decision")],
    ["rationale", member(trace, "rationale")],
    ["confidentiality", wordDict(member(trace, "confidentiality"), confidentialityWords)],
    ["timestamp", timeDict(member(trace, "timestamp"))],
    ["alternatives_considered", memberOr(trace, "alternatives_considered", null) ?? []],
    ["evidence", memberOr(trace, "evidence", null) ?? []],
    ["methodology", memberOr(trace, "methodology", null)],
    ["confidence", memberOr(trace, "confidence", null)],
  ])
  checkReasoning(dict)
  return dict
}

function checkReasoning(dict: JsonObject): void {
  const alternatives = member(dict, "alternatives_considered")
  const methodology = member(dict, "methodology")
  const tooLong =
    lengthOf(member(dict, "decision")) > REASONING_BOUNDS.decision ||
    lengthOf(member(dict, "rationale")) > REASONING_BOUNDS.rationale ||
    lengthOf(alternatives) > REASONING_BOUNDS.alternatives ||
    itemsOf(alternatives).some((item) => lengthOf(item) > REASONING_BOUNDS.alternative) ||
    lengthOf(member(dict, "evidence")) > REASONING_BOUNDS.evidence ||
    (methodology !== null && lengthOf(methodology) > REASONING_BOUNDS.methodology)
  if (tooLong) throw new FromDictError("The reasoning trace is too long")
  checkConfidence(member(dict, "confidence"))
}

function checkConfidence(confidence: Json): void {
  if (confidence === null || typeof confidence === "boolean") return
  const value = confidence instanceof JsonNumber ? Number(confidence.text) : Number.NaN
  if (!(value >= 0 && value <= 1)) throw new FromDictError("confidence is between 0 and 1")
}
