import {
  ActionResultSchema,
  type AuditAnchor,
  AuthorityTypeSchema,
  type CapabilityAttestation,
  CapabilityTypeSchema,
  type GenesisRecord,
  type TrustLineageChain,
} from "@trust-registry/proto"
import { canonicalSteps } from "../canonical/canonical.js"
import { chainState, constraintHashSteps } from "../hash/chainHash.js"
import { statePreimage } from "../hash/stateHash.js"
import { JsonObject } from "../json/json.js"
import { atOnce } from "../turns/turns.js"
import { jsonField, optionalTimeField, sortedField, timeField, wordField } from "./payloadFields.js"
import { SigningPayloadError } from "./signingPayloadError.js"

/** The version of capabilities whose signature does not cover the holder: it verifies in any agent's chain. */
export const CAPABILITY_LEGACY = "legacy-python-v0"
/** The version of capabilities whose signature covers the holder. */
export const CAPABILITY_SUBJECT_BOUND = "v1-subject-bound"

/** The text under a genesis record's signature (EATP, GenesisRecord). Throws SigningPayloadError. */
export function genesisPayload(genesis: GenesisRecord): string {
  return atOnce(genesisSteps(genesis))
}

/** The same in steps between which others may have a turn, as for all records: their free-form values may be large. */
export function* genesisSteps(genesis: GenesisRecord): Generator<void, string> {
  return yield* canonicalSteps(
    new JsonObject([
      ["id", genesis.id],
      ["agent_id", genesis.agentId],
      ["authority_id", genesis.authorityId],
      ["authority_type", wordField(AuthorityTypeSchema, genesis.authorityType)],
      ["created_at", timeField(genesis.createdAt)],
      ["expires_at", optionalTimeField(genesis.expiresAt)],
      ["metadata", yield* jsonField(genesis.metadataJson, new JsonObject())],
    ]),
  )
}

/**
 * The text under a capability's signature (EATP, CapabilityAttestation). A subject-bound capability covers the agent id
 * of its holder, which comes from the chain and is not stored in the record.
 *
 * @throws SigningPayloadError for a subject-bound capability without a holder, and for invalid times and enum numbers.
 */
export function capabilityPayload(capability: CapabilityAttestation, subjectAgentId: string): string {
  return atOnce(capabilitySteps(capability, subjectAgentId))
}

/** The same in steps. */
export function* capabilitySteps(
  capability: CapabilityAttestation,
  subjectAgentId: string,
): Generator<void, string> {
  const payload = new JsonObject([
    ["id", capability.id],
    ["capability", capability.capability],
    ["capability_type", wordField(CapabilityTypeSchema, capability.capabilityType)],
    ["constraints", yield* sortedField(capability.constraints)],
    ["attester_id", capability.attesterId],
    ["attested_at", timeField(capability.attestedAt)],
    ["expires_at", optionalTimeField(capability.expiresAt)],
    ["scope", yield* jsonField(capability.scopeJson, null)],
  ])
  if (capability.signingPayloadVersion === CAPABILITY_SUBJECT_BOUND) {
    if (subjectAgentId === "") {
      throw new SigningPayloadError("unsignable", "A subject-bound capability needs a holder")
    }
    payload.set("subject_agent_id", subjectAgentId)
  }
  return yield* canonicalSteps(payload)
}

/** The text under an audit anchor's signature (EATP, AuditAnchor). Throws SigningPayloadError. */
export function auditAnchorPayload(anchor: AuditAnchor): string {
  return atOnce(auditAnchorSteps(anchor))
}

/** The same in steps. */
export function* auditAnchorSteps(anchor: AuditAnchor): Generator<void, string> {
  return yield* canonicalSteps(
    new JsonObject([
      ["id", anchor.id],
      ["agent_id", anchor.agentId],
      ["action", anchor.action],
      ["resource", anchor.resource ?? null],
      ["timestamp", timeField(anchor.timestamp)],
      ["trust_chain_hash", anchor.trustChainHash],
      ["result", wordField(ActionResultSchema, anchor.result)],
      ["parent_anchor_id", anchor.parentAnchorId ?? null],
      ["context", yield* jsonField(anchor.contextJson, new JsonObject())],
      ["reasoning_trace_hash", anchor.reasoningTraceHash ?? null],
    ]),
  )
}

/**
 * The text under the chain-state signature (EATP, chain-state signature): ids, and the constraint hash recomputed from
 * the constraints, whatever hash is stored. Throws JsonSyntaxError or CanonicalError if a value cannot be hashed.
 */
export function chainStatePayload(chain: TrustLineageChain): string {
  return atOnce(chainStateSteps(chain))
}

/** The same in steps. */
export function* chainStateSteps(chain: TrustLineageChain): Generator<void, string> {
  const constraints = chain.constraintEnvelope?.activeConstraints ?? []
  const hash = yield* constraintHashSteps(constraints)
  return statePreimage({ ...chainState(chain, hash), constraintHash: hash })
}
