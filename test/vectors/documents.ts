import { createHash } from "node:crypto"
import { hashConstraints, type Json, JsonNumber, JsonObject, parseJson } from "@trust-registry/eatp"

// The chains that the project's own vectors are made from, in EATP's full form. Signatures are well-formed, not valid.

const DIMENSIONS = ["communication", "data_access", "financial", "operational", "temporal"]

/** A JSON object of literal keys; keys that look like integers must come through {@link raw}. */
export function object(members: Record<string, Json>): JsonObject {
  return new JsonObject(Object.entries(members))
}

/** A free-form value, written as JSON text so that numbers and the order of keys are as told. */
export function raw(text: string): Json {
  return parseJson(text)
}

/** Sixty-four bytes that follow from a name, in base64: what a signature looks like. */
export function signatureOf(name: string): string {
  return createHash("sha512").update(name).digest("base64")
}

function integer(value: number): JsonNumber {
  return new JsonNumber(String(value))
}

type Changes = Record<string, Json>

/** A genesis record; what is given replaces the defaults. */
export function genesis(agent: string, changes: Changes = {}): JsonObject {
  return object({
    id: `gen-${agent}`,
    agent_id: agent,
    authority_id: "org-vectors",
    authority_type: "organization",
    created_at: "2026-03-01T08:00:00.250000+00:00",
    signature: signatureOf(`genesis ${agent}`),
    signature_algorithm: "Ed25519",
    expires_at: "2036-03-01T08:00:00+00:00",
    metadata: object({}),
    ...changes,
  })
}

/** A capability attestation; what is given replaces the defaults. */
export function capability(id: string, changes: Changes = {}): JsonObject {
  return object({
    id,
    capability: "read_data",
    capability_type: "access",
    constraints: [],
    attester_id: "org-vectors",
    attested_at: "2026-03-01T08:00:01+05:30",
    signature: signatureOf(`capability ${id}`),
    expires_at: null,
    scope: null,
    signing_payload_version: "v1-subject-bound",
    ...changes,
  })
}

/** A delegation record; what is given replaces the defaults. */
export function delegation(id: string, delegatee: string, changes: Changes = {}): JsonObject {
  return object({
    id,
    delegator_id: "agent-delegator",
    delegatee_id: delegatee,
    task_id: `task-${id}`,
    capabilities_delegated: ["read_data"],
    constraint_subset: [],
    delegated_at: "2026-03-02T09:30:00+00:00",
    signature: signatureOf(`delegation ${id}`),
    expires_at: null,
    parent_delegation_id: null,
    human_origin: null,
    delegation_chain: [],
    delegation_depth: integer(0),
    reasoning_trace: null,
    reasoning_trace_hash: null,
    reasoning_signature: null,
    dimension_scope: DIMENSIONS,
    signing_payload_version: "legacy-python-v0",
    constraints: null,
    resource_limits: null,
    scope: null,
    multi_sig: false,
    multi_sig_policy: null,
    ...changes,
  })
}

/** The fields that engine delegations (v2-complete and v3-complete) sign besides. */
export function engineFields(allowedTools: Json, cents: Json): Changes {
  return {
    constraints: object({
      allow_code_execution: false,
      allow_delegation: true,
      allow_filesystem: false,
      allow_network: true,
      allow_state_mutation: false,
      allowed_tools: allowedTools,
      max_context_tokens: integer(16384),
      reasoning_required: true,
    }),
    resource_limits: object({
      max_execution_secs: integer(300),
      max_llm_calls: integer(50),
      max_tool_calls: integer(20),
      max_total_tokens: integer(100000),
    }),
    scope: object({ domain: "finance", max_financial_cents: cents, operations: ["write", "read"] }),
  }
}

/** A multi-signature policy over keys that follow from the given names. */
export function policy(threshold: number, names: string[]): JsonObject {
  const signers = names.map((name) => createHash("sha256").update(name).digest("hex"))
  return object({ threshold: integer(threshold), authorized_signers: signers })
}

/** Why something was decided; the confidence is number text or null. */
export function reasoning(confidence: Json, changes: Changes = {}): JsonObject {
  return object({
    decision: "delegate read access",
    rationale: "the ledger is read once a day",
    confidentiality: "restricted",
    timestamp: "2026-03-02T09:29:59.000001",
    alternatives_considered: ["do it by hand", "ночью"],
    evidence: [raw('{"ticket":"T-1","2":1.50,"10":[]}'), object({})],
    methodology: null,
    confidence,
    ...changes,
  })
}

/** A human at the origin of a delegation. */
export function human(): JsonObject {
  return object({
    human_id: "ana@example.com",
    display_name: "Ana Núñez",
    auth_provider: "oidc",
    session_id: "session-7",
    authenticated_at: "2026-03-02T09:00:00",
  })
}

/** A constraint of an envelope. */
export function constraint(id: string, type: string, value: Json, priority = 0): JsonObject {
  return object({ id, constraint_type: type, value, source: "genesis", priority: integer(priority) })
}

/** An envelope with the hash of its constraints; what is given replaces the defaults. */
export function envelope(agent: string, constraints: JsonObject[], changes: Changes = {}): JsonObject {
  return object({
    id: `env-${agent}`,
    agent_id: agent,
    active_constraints: constraints,
    computed_at: "2026-03-01T08:00:02+00:00",
    valid_until: null,
    constraint_hash: constraints.length === 0 ? "" : hashOf(constraints),
    ...changes,
  })
}

function hashOf(constraints: JsonObject[]): string {
  const sorted = [...constraints].sort((a, b) => Buffer.compare(idBytes(a), idBytes(b)))
  return hashConstraints(
    sorted.map((item) => ({
      id: item.get("id") as string,
      type: item.get("constraint_type") as string,
      value: item.get("value") as Json,
    })),
  )
}

function idBytes(item: JsonObject): Buffer {
  return Buffer.from(item.get("id") as string)
}

/** An audit anchor; what is given replaces the defaults. */
export function anchor(id: string, agent: string, changes: Changes = {}): JsonObject {
  return object({
    id,
    agent_id: agent,
    action: "read_data",
    timestamp: "2026-03-03T10:00:00.5-08:00",
    trust_chain_hash: createHash("sha256").update(id).digest("hex"),
    result: "success",
    signature: signatureOf(`anchor ${id}`),
    resource: null,
    parent_anchor_id: null,
    context: object({}),
    human_origin: null,
    reasoning_trace: null,
    reasoning_trace_hash: null,
    reasoning_signature: null,
    ...changes,
  })
}

/** A whole chain in the full form; what is given replaces the defaults. */
export function chain(agent: string, changes: Changes = {}): JsonObject {
  return object({
    genesis: genesis(agent),
    capabilities: [],
    delegations: [],
    constraint_envelope: envelope(agent, []),
    audit_anchors: [],
    chain_state_signature: null,
    ...changes,
  })
}
