import type { AuditAnchor, DelegationRecord, TrustLineageChain } from "@trust-registry/proto"
import { visible } from "../text/visible.js"
import { requiresReasoning } from "./constraintChecks.js"
import type { Question } from "./question.js"
import { type Denial, denial, type TrustViolation } from "./verdict.js"

/** Whether every delegation and anchor has a trace; undefined if the chain has neither (EATP, REASONING_REQUIRED). */
export function hasReasoning({ delegations, auditAnchors }: TrustLineageChain): boolean | undefined {
  const records = [...delegations, ...auditAnchors]
  return records.length === 0
    ? undefined
    : records.every(({ reasoningTrace }) => reasoningTrace !== undefined)
}

/** The reasoning_present of the verdict: set only if a constraint requires traces. */
export function reasoningPresent({ chain }: Question): boolean | undefined {
  return requiresReasoning(chain.constraintEnvelope) ? hasReasoning(chain) : undefined
}

/** The warning for a chain that lacks traces which a constraint requires; below FULL it denies nothing. */
export function reasoningWarnings(question: Question): TrustViolation[] {
  if (reasoningPresent(question) !== false) return []
  const reason =
    "REASONING_REQUIRED constraint active but no reasoning trace found on delegation/audit records"
  return [{ constraint: "reasoning_required", source: "envelope", reason, severity: "warning" }]
}

/** If a constraint requires traces, every record has one (EATP VERIFY, FULL). */
export function reasoningGiven(question: Question): Denial | undefined {
  if (reasoningPresent(question) !== false) return undefined
  return denial(
    "REASONING_MISSING",
    "REASONING_REQUIRED constraint active but no reasoning trace present (hard failure at FULL verification level)",
    { violations: reasoningWarnings(question), reasoningPresent: false, reasoningVerified: false },
  )
}

/**
 * Every trace has the hash that its record signs, and a valid signature. The reference implementation verifies none
 * if one record has no trace; we verify those that are present.
 */
export function reasoningHolds(question: Question): Denial | undefined {
  const { delegations, auditAnchors } = question.chain
  for (const record of [...delegations, ...auditAnchors]) {
    const found = traceDenial(record, question)
    if (found !== undefined) return found
  }
  return undefined
}

function traceDenial(record: DelegationRecord | AuditAnchor, question: Question): Denial | undefined {
  if (record.reasoningTrace === undefined) return undefined
  const name = `${"delegatedAt" in record ? "delegation" : "audit anchor"} ${record.id}`
  const more = {
    violations: reasoningWarnings(question),
    reasoningPresent: reasoningPresent(question),
    reasoningVerified: false,
    facts: { id: record.id, detail: `the reasoning trace of ${visible(name)}` },
  }
  const signature = question.signatures.reasoning(record)
  const { outcome } = signature
  if (outcome === "valid") return undefined
  if (outcome === "hash_mismatch") {
    return denial("REASONING_HASH_MISMATCH", `Reasoning trace hash mismatch on ${name}`, more)
  }
  if (outcome === "missing") {
    return denial("REASONING_SIGNATURE_MISSING", `Reasoning signature missing on ${name}`, more)
  }
  const text = `Reasoning signature cryptographic verification failed on ${name}`
  return denial("REASONING_SIGNATURE_INVALID", text, { ...more, signature })
}
