import type { MessageInitShape } from "@bufbuild/protobuf"
import { AuthorityType, type TrustLineageChainSchema } from "@trust-registry/proto"

/** Creates a small valid chain. Its authority is not registered, so the signature is not checked. */
export function sampleChain(agentId: string) {
  return {
    genesis: {
      id: `gen-${agentId.slice(0, 100)}`,
      agentId,
      authorityId: "org-acme",
      authorityType: AuthorityType.ORGANIZATION,
      createdAt: "2026-01-01T00:00:00+00:00",
      signature: "c2lnbmF0dXJl",
    },
  } satisfies MessageInitShape<typeof TrustLineageChainSchema>
}
