import type { AuditAnchor, DelegationRecord, TrustLineageChain } from "@trust-registry/proto"
import { asksForReasoning } from "./constraintChecks.js"
import type { Question } from "./question.js"
import { type Denial, denial, type TrustViolation } from "./verdict.js"

/**
 * Whether every delegation and anchor has a trace; undefined where there is none of either (EATP VERIFY,
 * REASONING_REQUIRED).
 */
export function hasReasoning({ delegations, auditAnchors }: TrustLineageChain): boolean | undefined {
  const records = [...delegations, ...auditAnchors]
  return records.length === 0
    ? undefined
    : records.every(({ reasoningTrace }) => reasoningTrace !== undefined)
}

/** What the verdict tells as reasoning_present: only where a constraint asks for traces. */
export function reasoningPresent({ chain }: Question): boolean | undefined {
  return asksForReasoning(chain.constraintEnvelope) ? hasReasoning(chain) : undefined
}

/**
 * The warning of a chain whose constraint asks for traces that are not there: below FULL it denies nothing.
 */
export function reasoningWarnings(question: Question): TrustViolation[] {
  if (reasoningPresent(question) !== false) return []
  const reason =
    "REASONING_REQUIRED constraint active but no reasoning trace found on delegation/audit records"
  return [{ constraint: "reasoning_required", source: "envelope", reason, severity: "warning" }]
}

/** Where a constraint asks for traces, they are there (EATP VERIFY, FULL). */
export function reasoningGiven(question: Question): Denial | undefined {
  if (reasoningPresent(question) !== false) return undefined
  return denial(
    "REASONING_MISSING",
    "REASONING_REQUIRED constraint active but no reasoning trace present (hard failure at FULL verification level)",
    { violations: reasoningWarnings(question), reasoningPresent: false, reasoningVerified: false },
  )
}

/**
 * Every trace that is there has the hash that its record signs, and a signature that holds. The reference
 * implementation looks at none if one record has none; we look at all.
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
  const { reasoningTrace: trace, reasoningSignature: signature } = record
  if (trace === undefined) return undefined
  const name = `${"delegatedAt" in record ? "delegation" : "audit anchor"} ${record.id}`
  const more = {
    violations: reasoningWarnings(question),
    reasoningPresent: reasoningPresent(question),
    reasoningVerified: false,
  }
  if (!question.signatures.traceHash(record, trace)) {
    return denial("REASONING_HASH_MISMATCH", `Reasoning trace hash mismatch on ${name}`, more)
  }
  if (signature === undefined) {
    return denial("REASONING_SIGNATURE_MISSING", `Reasoning signature missing on ${name}`, more)
  }
  if (question.signatures.reasoning(record, trace)) return undefined
  const text = `Reasoning signature cryptographic verification failed on ${name}`
  return denial("REASONING_SIGNATURE_INVALID", text, more)
}
