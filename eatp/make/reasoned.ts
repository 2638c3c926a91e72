import type { AuditAnchor, DelegationRecord } from "@trust-registry/proto"
import { type Signer, signText } from "../signing/ed25519.js"
import { reasoningPayload, reasoningTraceHash } from "../signing/reasoningPayload.js"

/** Sets the hash of a record's reasoning trace; call it before signing, since the record's signature covers the hash. */
export function hashReasoning(record: DelegationRecord | AuditAnchor): void {
  if (record.reasoningTrace !== undefined) {
    record.reasoningTraceHash = reasoningTraceHash(record.reasoningTrace)
  }
}

/** Signs a record's reasoning trace, bound to the record. EATP verifies it with the key of the chain's authority. */
export async function signReasoning(record: DelegationRecord | AuditAnchor, owner: Signer): Promise<void> {
  if (record.reasoningTrace === undefined) return
  record.reasoningSignature = await signText(owner, reasoningPayload(record.reasoningTrace, record.id))
}
