// Read one chain many times: the first read comes from the database, the others from the registry's memory.
import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { performance } from "node:perf_hooks"
import { connect } from "@trust-registry/client"
import { exampleChain } from "./chain.js"
import { cleanUp } from "./cleanUp.js"

const registry = connect(process.env.TRUST_REGISTRY_ADDRESS ?? "127.0.0.1:50051")
const agentId = `example-cache-${randomUUID()}`
const end = cleanUp(registry, agentId)
const READS = 500

// Opening the connection takes longer than a read, so it is not measured.
await registry.waitForReady()
await registry.storeChain({ chain: exampleChain(agentId) })

const first = await timed(() => registry.getChain({ agentId }))
const rest = []
for (let read = 0; read < READS; read++) rest.push(await timed(() => registry.getChain({ agentId })))
rest.sort((a, b) => a.ms - b.ms)
const median = rest[READS / 2]
console.log(
  `first read: ${first.ms.toFixed(2)} ms; median of the ${READS} after it: ${median?.ms.toFixed(2)} ms`,
)
for (const { answer } of rest) assert.deepEqual(answer, first.answer)

// Memory never hides a write through this registry: the next read reflects it.
const chain = exampleChain(agentId, { capabilities: ["read_data", "write_reports"] })
const { record } = await registry.updateChain({ agentId, chain })
const after = await timed(() => registry.getChain({ agentId }))
assert.equal(after.answer.record?.revision, record?.revision)
assert.equal(after.answer.chain?.capabilities.length, 2)
console.log(`first read after an update: ${after.ms.toFixed(2)} ms, at revision ${record?.revision}`)

await end()

async function timed<Answer>(call: () => Promise<Answer>) {
  const start = performance.now()
  const answer = await call()
  return { answer, ms: performance.now() - start }
}
