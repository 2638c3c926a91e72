import { timestampFromDate } from "@bufbuild/protobuf/wkt"
import { usualPermissions } from "@trust-registry/eatp"
import {
  AuthorityPermission,
  AuthorityService,
  AuthorityType,
  RevocationMode,
  RevocationService,
  TrustStoreService,
} from "@trust-registry/proto"
import { connectTo } from "../support/calls.js"
import type { TestRegistry } from "../support/server.js"
import { signerOf, trustWorld } from "../support/trustWorld.js"

/** The agents of {@link fillRegistry} that still have a row. */
export const AGENTS = [
  "root",
  "mid",
  "leaf",
  "updated",
  "deleted",
  "suspended",
  "resumed",
  "revoked",
  "restored",
  "leaving",
  "by-hand",
]
/** The one whose chain was purged. */
export const PURGED = "purged"
/** Under which "root" was stored. */
export const REQUEST_ID = "0b8ad4e5-6c5e-4d3f-9d3e-000000000001"

/** Stores signed chains and an authority, and changes them in every way there is. */
export async function fillRegistry({ address, sql }: Pick<TestRegistry, "address" | "sql">): Promise<void> {
  const line = connectTo(address)
  const chains = line.calls(TrustStoreService)
  const authorities = line.calls(AuthorityService)
  const revocations = line.calls(RevocationService)
  const world = trustWorld(BigInt(Date.now()) * 1000n)
  const store = async (agentId: string) => await chains.storeChain({ chain: await world.establish(agentId) })

  const keys = [{ keyId: "1", publicKey: signerOf("org-a").publicKey }]
  const authority = {
    id: "org-a",
    name: "A",
    authorityType: AuthorityType.ORGANIZATION,
    keys,
    permissions: [...usualPermissions(), AuthorityPermission.CREATE_SUBORDINATE_AUTHORITIES],
  }
  await authorities.registerAuthority({ authority })
  await chains.storeChain({ chain: await world.establish("root"), requestId: REQUEST_ID })
  await chains.storeChain({ chain: await world.delegate("root", "mid") })
  await chains.storeChain({ chain: await world.delegate("mid", "leaf") })
  for (const agentId of [
    "updated",
    "deleted",
    "suspended",
    "resumed",
    "revoked",
    "restored",
    "leaving",
    "by-hand",
    PURGED,
  ])
    await store(agentId)
  await chains.updateChain({ agentId: "updated", chain: await world.establish("updated") })
  await chains.deleteChain({ agentId: "deleted" })
  await chains.purgeChain({ agentId: PURGED })
  await chains.deleteChain({ agentId: "restored" })
  await chains.restoreChain({ agentId: "restored" })
  await revocations.revokeAgent({ agentId: "revoked" })
  await revocations.revokeAgent({
    agentId: "leaving",
    mode: RevocationMode.GRACEFUL,
    effectiveAt: timestampFromDate(new Date("2200-01-01T00:00:00Z")),
  })
  await revocations.revokeAgent({ agentId: "suspended", mode: RevocationMode.SUSPEND })
  const { revocation } = await revocations.revokeAgent({ agentId: "resumed", mode: RevocationMode.SUSPEND })
  await revocations.liftSuspension({ revocationId: revocation?.revocationId ?? "" })
  await authorities.rotateAuthorityKey({
    authorityId: "org-a",
    keyId: "2",
    publicKey: signerOf("org-b").publicKey,
  })
  await revocations.revokeKey({
    authorityId: "org-a",
    keyId: "2",
    compromisedAt: timestampFromDate(new Date("2026-01-01T00:00:00Z")),
  })
  await authorities.registerAuthority({
    authority: { ...authority, id: "org-child", parentAuthorityId: "org-a" },
  })
  await sql`update trust_chains set signature_status = 'unverified' where agent_id = 'by-hand'`
  line.close()
}
