import {
  checkPolicy,
  delegationPayload as delegationPayloadOf,
  engineLegacyPayload,
  type Json,
  JsonNumber,
  JsonObject,
  parseJson,
  readChainDict,
  recordFromDocument,
  SigningPayloadError,
  selectDelegationVersion,
} from "@trust-registry/eatp"
import { DelegationRecordSchema } from "@trust-registry/proto"
import { chainAround } from "./chainAround.js"
import { type Checker, judge, nameOf, objectAt, objectsAt, optionalTextAt, same, textAt } from "./vectors.js"

/**
 * delegation_payload.json: which version a delegation signs, the bytes, what is refused, policies of several
 * signers.
 */
export const delegationPayload: Checker = function* (file) {
  for (const [index, vector] of objectsAt(file, "cases").entries()) {
    yield judge(nameOf(vector, index), () => checkCase(vector))
  }
  for (const [index, vector] of objectsAt(file, "multi_sig_policy_cases").entries()) {
    yield judge(nameOf(vector, index), () => checkPolicyCase(vector))
  }
  for (const [index, vector] of objectsAt(file, "upstream_pinned").entries()) {
    yield judge(nameOf(vector, index), () => checkPinned(vector))
  }
}

function checkCase(vector: JsonObject): void {
  const expected = objectAt(vector, "expected")
  const record = parseJson(textAt(vector, "record_json"))
  const delegation = recordFromDocument(DelegationRecordSchema, record)
  const selected = attempt(() => selectDelegationVersion(delegation))
  same("selected_version", selected.value ?? null, expected.get("selected_version") ?? null)
  same("select_error", selected.error ?? null, expected.get("select_error") ?? null)
  const canonical = attempt(() => delegationPayloadOf(delegation))
  same("canonical", canonical.value ?? null, expected.get("canonical") ?? null)
  same("canonical_error", canonical.error ?? null, expected.get("canonical_error") ?? null)
  const read = attempt(() => readChainDict(chainAround({ delegations: [record] })))
  same("from_dict", read.error === undefined ? "ok" : "ValueError", expected.get("from_dict"))
}

// The reference implementation's exceptions by the code of ours.
const exceptions = { unsignable: "ValueError", unsupported_version: "UnsupportedSigningPayloadVersionError" }

function attempt<Value>(action: () => Value): { value?: Value; error?: string } {
  try {
    return { value: action() }
  } catch (error) {
    return { error: error instanceof SigningPayloadError ? exceptions[error.code] : String(error) }
  }
}

function checkPolicyCase(vector: JsonObject): void {
  const expected = objectAt(vector, "expected")
  const signers = vector.get("signers") as string[]
  const problem = checkPolicy(thresholdOf(vector.get("threshold") ?? null), signers)
  same("ok", problem === undefined, expected.get("ok"))
  // The vectors hold the first hundred characters of a message.
  if (problem !== undefined) same("message", problem.slice(0, 100), expected.get("message"))
  if (expected.has("sorted")) {
    const sorted = JSON.stringify([...signers].sort())
    same("sorted", sorted, JSON.stringify(expected.get("sorted")))
  }
}

function thresholdOf(value: Json): bigint | string {
  if (value instanceof JsonNumber) return value.isInteger ? BigInt(value.text) : "float"
  return typeof value === "boolean" ? "bool" : "str"
}

// The pre-image has all that was signed, so the record is built from it, under EATP's names.
function checkPinned(vector: JsonObject): void {
  const canonical = textAt(vector, "canonical")
  const signed = parseJson(canonical) as JsonObject
  const delegation = recordFromDocument(DelegationRecordSchema, recordOf(signed, vector))
  same("canonical", delegationPayloadOf(delegation), canonical)
  same("canonical_hex", Buffer.from(canonical).toString("hex"), vector.get("canonical_hex"))
  const legacy = optionalTextAt(vector, "engine_v1_legacy_canonical")
  if (legacy !== undefined) same("engine_v1_legacy_canonical", engineLegacyPayload(delegation), legacy)
}

const renamed: Record<string, string> = {
  delegation_id: "id",
  delegator: "delegator_id",
  delegate: "delegatee_id",
  capabilities: "capabilities_delegated",
  created_at: "delegated_at",
}

function recordOf(signed: JsonObject, vector: JsonObject): JsonObject {
  const own = [...signed].filter(([key]) => !key.startsWith("multi_sig_"))
  const record = new JsonObject(own.map(([key, value]) => [renamed[key] ?? key, value]))
  record.set("task_id", "").set("constraint_subset", [])
  const threshold = vector.get("threshold") ?? null
  if (threshold === null) return record
  const policy = new JsonObject([
    ["threshold", threshold],
    ["authorized_signers", vector.get("signers") as Json],
  ])
  return record.set("multi_sig_policy", policy)
}
