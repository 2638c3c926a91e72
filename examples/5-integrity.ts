// Does the stored chain match what was written? The registry reports each check, and the client can check for itself.
import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import {
  chainHash,
  connect,
  contentHash,
  IntegrityCheckSchema,
  TrustChainInvalidError,
} from "@trust-registry/client"
import { exampleChain } from "./chain.js"
import { cleanUp } from "./cleanUp.js"

const registry = connect(process.env.TRUST_REGISTRY_ADDRESS ?? "127.0.0.1:50051")
const agentId = `example-integrity-${randomUUID()}`
const end = cleanUp(registry, agentId)
const mine = exampleChain(agentId)
// With the hash of the client, a chain that was altered on the way is refused.
await registry.storeChain({ chain: mine, chainHash: chainHash(mine) })

const { verified, findings } = await registry.verifyChainIntegrity({ agentId })
for (const { check, passed, path, detail } of findings) {
  const name = IntegrityCheckSchema.value[check]?.localName
  console.log(`${name}: ${passed ? "passed" : `FAILED at ${path}: ${detail}`}`)
}
assert(verified)
assert(findings.length > 0)

const { chain, record } = await registry.getChain({ agentId })
assert(chain)
console.log(
  `chain_hash ${record?.chainHash}, ${chain.constraintEnvelope?.activeConstraints.length} constraint`,
)

// You do not have to trust the registry: compute both hashes from the chain.
assert.equal(record?.chainHash, chainHash(chain))
assert.equal(record.contentHash, contentHash(chain))
assert.equal(contentHash(chain), contentHash(mine))

// EATP's chain_hash covers ids and constraints; content_hash covers everything.
const renamed = exampleChain(agentId)
for (const capability of renamed.capabilities) capability.capability = "approve_payment"
assert.equal(chainHash(renamed), chainHash(mine))
assert.notEqual(contentHash(renamed), contentHash(mine))
console.log("a renamed capability shows in content_hash, not in chain_hash")

// A chain with a wrong hash is refused, and the error names the field.
await assert.rejects(registry.updateChain({ agentId, chain, chainHash: "0".repeat(64) }), (error) => {
  assert(error instanceof TrustChainInvalidError)
  for (const { field, description } of error.violations) console.log(`refused: ${field} ${description}`)
  return true
})
const after = await registry.getChain({ agentId })
assert.equal(after.record?.revision, record.revision)

await end()
