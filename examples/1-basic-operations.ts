// Store a chain, read it back, give the agent a second capability, and purge it.
import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { connect } from "@trust-registry/client"
import { exampleChain } from "./chain.js"
import { cleanUp } from "./cleanUp.js"

const registry = connect(process.env.TRUST_REGISTRY_ADDRESS ?? "127.0.0.1:50051")
const agentId = `example-basic-${randomUUID()}`
const end = cleanUp(registry, agentId)

const stored = await registry.storeChain({ chain: exampleChain(agentId) })
assert(stored.created)
console.log(`stored ${agentId} as revision ${stored.record?.revision}`)

const { chain, record } = await registry.getChain({ agentId })
assert.equal(chain?.genesis?.authorityId, "org-acme")
assert.equal(chain.capabilities.length, 1)
console.log(
  `got it: ${chain.genesis.authorityId} is named as the one that lets it ${chain.capabilities[0]?.capability}`,
)

// Pass the revision that was read: if somebody else has changed the chain since, this rejects with a RevisionConflictError
// and overwrites nothing.
const updated = await registry.updateChain({
  agentId,
  chain: exampleChain(agentId, { capabilities: ["read_data", "write_reports"] }),
  expectedRevision: record?.revision,
})
assert((updated.record?.revision ?? 0n) > (record?.revision ?? 0n))

// A read after an acknowledged write reflects it.
const again = await registry.getChain({ agentId })
const names = again.chain?.capabilities.map(({ capability }) => capability)
assert.deepEqual(names, ["read_data", "write_reports"])
console.log(`updated to revision ${again.record?.revision}: now it names ${names.join(" and ")}`)

// That a chain is stored says nothing yet: this one is signed by nobody, so the agent may do nothing.
const verdict = await registry.checkAuthority({ agentId, action: "read_data" })
assert(!verdict.authorized)
console.log(`denied all the same: ${verdict.explanation}`)

await registry.purgeChain({ agentId })
console.log("purged it")
await end()
