// A thousand chains in one stream, a batch that is stored whole or not at all, and an export of one moment.
import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { connect } from "@trust-registry/client"
import { exampleChain } from "./chain.js"

const registry = connect(process.env.TRUST_REGISTRY_ADDRESS ?? "127.0.0.1:50051")
const agentIdPrefix = `example-many-${randomUUID()}-`

// The source may be a file, a database, another registry's export: it is asked for more only while there is room.
async function* chains() {
  for (let i = 0; i < 1_000; i++) {
    const agentId = agentIdPrefix + String(i).padStart(4, "0")
    // One that the registry refuses, for the sake of the example.
    yield { chain: exampleChain(i === 500 ? "" : agentId) }
  }
}

// Results come in the order of the chains, each once it is durable; a chain that is refused ends nothing.
let stored = 0
for await (const { index, error } of registry.importChains(chains())) {
  if (error) console.log(`chain ${index} was refused: ${error.reason}`)
  else stored++
}
assert.equal(stored, 999)
console.log(`${stored} chains imported`)

// All or none: nothing is stored where one is refused, and its result says why.
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

// As they stood at one revision, whatever changes meanwhile; a watch that starts after it tells what did.
const all = registry.exportChains({ filter: { agentIdPrefix } })
let exported = 0
for await (const { chain, record } of all) {
  assert.equal(chain?.genesis?.agentId, record?.agentId)
  exported++
}
assert.equal(exported, 1_001)
console.log(`${exported} chains exported, as they stood at revision ${all.snapshotRevision}`)
registry.close()
