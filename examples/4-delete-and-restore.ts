// A soft delete hides a chain and can be taken back; a hard delete removes it for good.
import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { connect, TrustChainNotFoundError, TrustChainRevokedError } from "@trust-registry/client"
import { exampleChain } from "./chain.js"

const registry = connect(process.env.TRUST_REGISTRY_ADDRESS ?? "127.0.0.1:50051")
const agentId = `example-delete-${randomUUID()}`
await registry.storeChain({ chain: exampleChain(agentId) })

await registry.deleteChain({ agentId })
await assert.rejects(registry.getChain({ agentId }), TrustChainNotFoundError)
console.log("deleted softly: reads do not find it")

const hidden = await registry.getChain({ agentId, includeInactive: true })
assert.equal(hidden.record?.isActive, false)
assert.equal(hidden.chain?.genesis?.agentId, agentId)
console.log("with includeInactive it is still there")

// Storing it again does not bring a deleted agent back by accident; that takes a restore.
await assert.rejects(registry.storeChain({ chain: exampleChain(agentId) }), (error) => {
  assert(error instanceof TrustChainRevokedError)
  assert.equal(error.status, "DELETED")
  return true
})
console.log("it cannot be written while it is deleted")

const restored = await registry.restoreChain({ agentId })
assert.equal(restored.record?.isActive, true)
assert.deepEqual((await registry.getChain({ agentId })).chain, hidden.chain)
console.log("restored: the same chain again")

// For good, and it makes no difference that it was deleted softly before.
await registry.deleteChain({ agentId })
await registry.deleteChain({ agentId, softDelete: false })
await assert.rejects(registry.getChain({ agentId, includeInactive: true }), TrustChainNotFoundError)
console.log("deleted for good: not even includeInactive finds it")
registry.close()
