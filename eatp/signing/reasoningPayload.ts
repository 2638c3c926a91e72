import { ConfidentialityLevelSchema, type ReasoningTrace } from "@trust-registry/proto"
import { canonicalSteps } from "../canonical/canonical.js"
import { sha256Hex } from "../hash/sha256.js"
import { JsonObject } from "../json/json.js"
import { atOnce } from "../turns/turns.js"
import { jsonField, timeField, wordField } from "./payloadFields.js"

/**
 * The text under a reasoning signature (EATP, ReasoningTrace): bound to the delegation or anchor with that id, which is
 * what chains sign, or the trace alone without an id. Throws SigningPayloadError.
 */
export function reasoningPayload(trace: ReasoningTrace, parentRecordId?: string): string {
  return atOnce(reasoningSteps(trace, parentRecordId))
}

/** The same in steps between which others may have a turn. */
export function* reasoningSteps(trace: ReasoningTrace, parentRecordId?: string): Generator<void, string> {
  const reasoning = yield* traceFields(trace)
  if (parentRecordId === undefined) return yield* canonicalSteps(reasoning)
  return yield* canonicalSteps(
    new JsonObject([
      ["parent_record_id", parentRecordId],
      ["reasoning", reasoning],
    ]),
  )
}

/** What a record's reasoning_trace_hash must be: lowercase hex SHA-256 of the trace's canonical form. */
export function reasoningTraceHash(trace: ReasoningTrace): string {
  return atOnce(reasoningHashSteps(trace))
}

/** The same in steps. */
export function* reasoningHashSteps(trace: ReasoningTrace): Generator<void, string> {
  return sha256Hex(yield* canonicalSteps(yield* traceFields(trace)))
}

function* traceFields(trace: ReasoningTrace): Generator<void, JsonObject> {
  return new JsonObject([
    ["decision", trace.decision],
    ["rationale", trace.rationale],
    ["confidentiality", wordField(ConfidentialityLevelSchema, trace.confidentiality)],
    ["timestamp", timeField(trace.timestamp)],
    ["alternatives_considered", trace.alternativesConsidered],
    ["evidence", yield* jsonField(trace.evidenceJson, [])],
    ["methodology", trace.methodology ?? null],
    ["confidence", yield* jsonField(trace.confidenceJson, null)],
  ])
}
