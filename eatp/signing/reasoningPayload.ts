import { ConfidentialityLevelSchema, type ReasoningTrace } from "@trust-registry/proto"
import { canonicalJson } from "../canonical/canonical.js"
import { sha256Hex } from "../hash/sha256.js"
import { JsonObject } from "../json/json.js"
import { jsonField, timeField, wordField } from "./payloadFields.js"

/**
 * The text under a reasoning signature (EATP, ReasoningTrace): bound to the delegation or anchor with that id, which is
 * what chains sign, or the trace alone without an id. Throws SigningPayloadError.
 */
export function reasoningPayload(trace: ReasoningTrace, parentRecordId?: string): string {
  const reasoning = traceFields(trace)
  if (parentRecordId === undefined) return canonicalJson(reasoning)
  return canonicalJson(
    new JsonObject([
      ["parent_record_id", parentRecordId],
      ["reasoning", reasoning],
    ]),
  )
}

/** What a record's reasoning_trace_hash must be: lowercase hex SHA-256 of the trace's canonical form. */
export function reasoningTraceHash(trace: ReasoningTrace): string {
  return sha256Hex(canonicalJson(traceFields(trace)))
}

function traceFields(trace: ReasoningTrace): JsonObject {
  return new JsonObject([
    ["decision", trace.decision],
    ["rationale", trace.rationale],
    ["confidentiality", wordField(ConfidentialityLevelSchema, trace.confidentiality)],
    ["timestamp", timeField(trace.timestamp)],
    ["alternatives_considered", trace.alternativesConsidered],
    ["evidence", jsonField(trace.evidenceJson, [])],
    ["methodology", trace.methodology ?? null],
    ["confidence", jsonField(trace.confidenceJson, null)],
  ])
}
