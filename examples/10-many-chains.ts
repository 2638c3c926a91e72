// Import a thousand chains in one stream, store a batch that is all or none, and export the state at one revision.
import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { connect } from "@trust-registry/client"
import { exampleChain } from "./chain.js"
import { cleanUp } from "./cleanUp.js"

const registry = connect(process.env.TRUST_REGISTRY_ADDRESS ?? "127.0.0.1:50051")
const agentIdPrefix = `example-many-${randomUUID()}-`
const end = cleanUp(registry, agentIdPrefix)

// The source may be a file, a database or another registry's export. It is read only while there is room.
async function* chains() {
  for (let i = 0; i < 1_000; i++) {
    const agentId = agentIdPrefix + String(i).padStart(4, "0")
    // The registry refuses this one.
    yield { chain: exampleChain(i === 500 ? "" : agentId) }
  }
}

// Results arrive in the order of the chains, each once it is durable. A refused chain does not end the import.
let stored = 0
for await (const { index, error } of registry.importChains(chains())) {
  if (error) console.log(`chain ${index} was refused: ${error.reason}`)
  else stored++
}
assert.equal(stored, 999)
console.log(`${stored} chains imported`)

// All or none: nothing is stored if one is refused, and its result says why.
const requests = ["x", "y"].map((name) => ({
  chain: exampleChain(agentIdPrefix + name),
  expectedRevision: 0n,
}))
assert.ok((await registry.batchStoreChains({ requests, atomic: true })).every(({ stored }) => stored))
const again = await registry.batchStoreChains({ requests, atomic: true })
assert.deepEqual(
  again.map(({ error }) => error?.reason),
  ["REVISION_CONFLICT", "REVISION_CONFLICT"],
)

// The state at one revision, whatever changes meanwhile. A watch that starts one above reports what changed since.
const all = registry.exportChains({ filter: { agentIdPrefix } })
let exported = 0
for await (const { chain, record } of all) {
  assert.equal(chain?.genesis?.agentId, record?.agentId)
  exported++
}
assert.equal(exported, 1_001)
console.log(`${exported} chains exported, as of revision ${all.snapshotRevision}`)
await end()
