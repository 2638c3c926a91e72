// A deleted chain is hidden and can be restored; a purged chain is gone for good.
import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import {
  ChainStatus,
  connect,
  TrustChainInactiveError,
  TrustChainNotFoundError,
} from "@trust-registry/client"
import { exampleChain } from "./chain.js"
import { cleanUp } from "./cleanUp.js"

const registry = connect(process.env.TRUST_REGISTRY_ADDRESS ?? "127.0.0.1:50051")
const agentId = `example-delete-${randomUUID()}`
const end = cleanUp(registry, agentId)
await registry.storeChain({ chain: exampleChain(agentId) })

await registry.deleteChain({ agentId })
await assert.rejects(registry.getChain({ agentId }), TrustChainNotFoundError)
console.log("deleted: reads no longer return it")

const hidden = await registry.getChain({ agentId, includeInactive: true })
assert.equal(hidden.record?.status, ChainStatus.DELETED)
assert.equal(hidden.chain?.genesis?.agentId, agentId)
console.log("reads with includeInactive return it")

// Storing the chain again does not bring a deleted agent back by accident: restore it first.
await assert.rejects(registry.storeChain({ chain: exampleChain(agentId) }), (error) => {
  assert(error instanceof TrustChainInactiveError)
  assert.equal(error.status, "DELETED")
  return true
})
console.log("a deleted chain cannot be written")

const restored = await registry.restoreChain({ agentId })
assert.equal(restored.record?.status, ChainStatus.ACTIVE)
assert.deepEqual((await registry.getChain({ agentId })).chain, hidden.chain)
console.log("restored: the same chain again")

// A purge is final, whether the chain was deleted before or not.
await registry.deleteChain({ agentId })
await registry.purgeChain({ agentId })
await assert.rejects(registry.getChain({ agentId, includeInactive: true }), TrustChainNotFoundError)
console.log("purged: not even includeInactive returns it")

// Many chains in one call. With atomic, none is deleted unless all can be.
const agentIds = [`${agentId}-a`, `${agentId}-b`]
await registry.batchStoreChains({ requests: agentIds.map((id) => ({ chain: exampleChain(id) })) })
const refused = await registry.batchDeleteChains({ agentIds: [...agentIds, agentId], atomic: true })
assert.deepEqual(
  refused.map(({ error }) => error?.reason),
  ["BATCH_REFUSED", "BATCH_REFUSED", "TRUST_CHAIN_NOT_FOUND"],
)
const purged = await registry.batchDeleteChains({ agentIds, purge: true, atomic: true })
assert(purged.every(({ record }) => record))
console.log(`purged ${purged.length} chains in one batch`)
await end()
