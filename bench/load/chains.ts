import { establish, type MemorySigner, memorySigner, type Signer } from "@trust-registry/eatp"
import { AuthorityType, CapabilityType, type TrustLineageChain } from "@trust-registry/proto"

/** The authority of all chains of the benchmark. */
export const AUTHORITY = "org-bench"

/** Capabilities of a usual chain, which with its genesis record, envelope and state signature has about 2 KB. */
const CAPABILITIES = ["read_ledger", "post_invoice", "approve_payment", "update_customer", "escalate"]

/** Signs as the authority of all chains, with a key derived from its name, so that all runs measure the same bytes. */
export function benchSigner(): MemorySigner {
  return memorySigner(Buffer.alloc(32, AUTHORITY).toString("base64"))
}

/** The id of the agent at an index. */
export function agentAt(index: number): string {
  return `agent-${String(index).padStart(7, "0")}`
}

/** A usual chain of an agent, fully signed. */
export function usualChain(agentId: string, signer: Signer = benchSigner()): Promise<TrustLineageChain> {
  return madeChain(agentId, CAPABILITIES, signer)
}

/** A chain with one capability, small enough to store a million. */
export function smallChain(agentId: string): Promise<TrustLineageChain> {
  return madeChain(agentId, CAPABILITIES.slice(0, 1), benchSigner())
}

async function madeChain(agentId: string, capabilities: readonly string[], signer: Signer) {
  let ids = 0
  return await establish(
    {
      agentId,
      authorityId: AUTHORITY,
      authorityType: AuthorityType.ORGANIZATION,
      capabilities: capabilities.map((capability) => ({
        capability,
        capabilityType: CapabilityType.ACTION,
        scopeJson: '{"tables":["ledger","invoices"],"max":1.0}',
      })),
      constraints: ["audit_required", "no_pii_export"],
      metadataJson: '{"department":"finance","owner":"ada@example.com","cost_center":6394}',
    },
    { signer, nowMicros: MADE_AT, newId: (kind) => `${kind}-${agentId}-${++ids}` },
  )
}

const MADE_AT = BigInt(Date.parse("2026-01-01T00:00:00Z")) * 1000n
