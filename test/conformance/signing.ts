import {
  auditAnchorPayload,
  capabilityPayload,
  chainFromDocument,
  chainStatePayload,
  decodeExactly,
  delegationPayload,
  genesisPayload,
  JsonObject,
  parseJson,
  reasoningPayload,
  reasoningTraceHash,
  recordFromDocument,
  sha256Hex,
  verifyText,
} from "@trust-registry/eatp"
import {
  AuditAnchorSchema,
  CapabilityAttestationSchema,
  DelegationRecordSchema,
  GenesisRecordSchema,
  ReasoningTraceSchema,
} from "@trust-registry/proto"
import { type Checker, judge, nameOf, objectAt, objectsAt, optionalTextAt, same, textAt } from "./vectors.js"

/** signing.json: the bytes under each record's signature, and which signatures hold. */
export const signing: Checker = function* (file) {
  for (const [index, vector] of objectsAt(file, "cases").entries()) {
    yield judge(nameOf(vector, index), () => check(vector))
  }
}

function check(vector: JsonObject): string | undefined {
  const record = parseJson(textAt(vector, "record_json"))
  if (!(record instanceof JsonObject)) throw new Error("The record is no object")
  const canonical = payloadOf(vector, record)
  same("canonical", canonical, vector.get("canonical"))
  if (vector.has("canonical_sha256"))
    same("canonical_sha256", sha256Hex(canonical), vector.get("canonical_sha256"))
  checkTraceHash(vector, record)
  return checkSignature(vector, canonical)
}

function payloadOf(vector: JsonObject, record: JsonObject): string {
  switch (textAt(vector, "record_type")) {
    case "genesis":
      return genesisPayload(recordFromDocument(GenesisRecordSchema, record))
    case "capability": {
      const capability = recordFromDocument(CapabilityAttestationSchema, record)
      return capabilityPayload(capability, optionalTextAt(vector, "subject_agent_id") ?? "")
    }
    case "delegation":
      return delegationPayload(recordFromDocument(DelegationRecordSchema, record))
    case "audit_anchor":
      return auditAnchorPayload(recordFromDocument(AuditAnchorSchema, record))
    case "reasoning_trace": {
      const trace = recordFromDocument(ReasoningTraceSchema, record)
      return reasoningPayload(trace, optionalTextAt(vector, "context_id"))
    }
    case "chain_state":
      return chainStatePayload(chainFromDocument(record).chain)
    default:
      return textAt(record, "message")
  }
}

function checkTraceHash(vector: JsonObject, record: JsonObject): void {
  if (textAt(vector, "record_type") !== "reasoning_trace" || !vector.has("reasoning_trace_hash")) return
  const hash = reasoningTraceHash(recordFromDocument(ReasoningTraceSchema, record))
  same("reasoning_trace_hash", hash, vector.get("reasoning_trace_hash"))
}

// The reference implementation skips what is no base64 digit, so it takes several texts for one signature; we
// take one.
function checkSignature(vector: JsonObject, canonical: string): string | undefined {
  const [publicKey, signature] = [textAt(vector, "public_key"), textAt(vector, "signature")]
  const valid = verifyText(canonical, signature, publicKey)
  const isCanonical = decodeExactly(32, publicKey) !== undefined && decodeExactly(64, signature) !== undefined
  const expected = objectAt(vector, "expected").get("valid")
  same("valid", valid, isCanonical ? expected : false)
  return expected === true && !valid ? "not valid: its base64 is not canonical" : undefined
}
