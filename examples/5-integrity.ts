// Is what is stored what was written? The registry answers check by check, and the client can see for itself.
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

const registry = connect(process.env.TRUST_REGISTRY_ADDRESS ?? "127.0.0.1:50051")
const agentId = `example-integrity-${randomUUID()}`
const mine = exampleChain(agentId)
// With the hash that the client computed, a chain that arrives as another one is refused.
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

// Nobody need take the registry's word: both hashes can be computed from the chain.
assert.equal(record?.chainHash, chainHash(chain))
assert.equal(record.contentHash, contentHash(chain))
assert.equal(contentHash(chain), contentHash(mine))

// EATP's chain_hash covers ids and constraints; content_hash covers everything.
const renamed = exampleChain(agentId)
for (const capability of renamed.capabilities) capability.capability = "approve_payment"
assert.equal(chainHash(renamed), chainHash(mine))
assert.notEqual(contentHash(renamed), contentHash(mine))
console.log("a renamed capability shows in content_hash, not in chain_hash")

// A chain whose hashes do not agree with it is not stored, and the error names the field.
await assert.rejects(registry.updateChain({ agentId, chain, chainHash: "0".repeat(64) }), (error) => {
  assert(error instanceof TrustChainInvalidError)
  for (const { field, description } of error.violations) console.log(`refused: ${field} ${description}`)
  return true
})
const after = await registry.getChain({ agentId })
assert.equal(after.record?.revision, record.revision)

await registry.purgeChain({ agentId })
registry.close()
