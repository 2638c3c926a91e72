// Store fifteen chains of three authorities, then count them, filter them, and list them in pages of five.
import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { connect } from "@trust-registry/client"
import { exampleChain } from "./chain.js"
import { cleanUp } from "./cleanUp.js"

const registry = connect(process.env.TRUST_REGISTRY_ADDRESS ?? "127.0.0.1:50051")
// A prefix of this run, so that other chains in the registry are not counted.
const agentIdPrefix = `example-list-${randomUUID()}-`
const end = cleanUp(registry, agentIdPrefix)
const agentIds = Array.from({ length: 15 }, (_, i) => agentIdPrefix + String(i).padStart(2, "0"))

await Promise.all(
  agentIds.map((agentId, i) =>
    registry.storeChain({
      chain: exampleChain(agentId, {
        authorityId: `org-${i % 3}`,
        capabilities: i < 4 ? ["approve_payment"] : ["read_data"],
      }),
    }),
  ),
)

const { count } = await registry.countChains({ filter: { agentIdPrefix } })
assert.equal(count, 15n)
console.log(`${count} chains stored`)

// All conditions of a filter must match.
const ofOrg0 = await registry.countChains({ filter: { agentIdPrefix, authorityId: "org-0" } })
assert.equal(ofOrg0.count, 5n)
console.log(`${ofOrg0.count} of them belong to org-0`)

// A list is an async iterable of all matches; pages are fetched as needed.
const payers = []
for await (const { record } of registry.listChains({
  filter: { agentIdPrefix, capability: "approve_payment" },
})) {
  payers.push(record?.agentId)
}
assert.deepEqual(payers, agentIds.slice(0, 4))
console.log(`${payers.length} of them may approve payments`)

// Or page by page, ordered by agent id.
const listed: (string | undefined)[] = []
let pages = 0
for await (const page of registry.listChains({ filter: { agentIdPrefix }, pageSize: 5 }).pages()) {
  pages += 1
  const ids = page.chains.map(({ record }) => record?.agentId)
  assert.equal(ids.length, 5)
  listed.push(...ids)
  console.log(`page ${pages}: ${ids.map((id) => id?.slice(-2)).join(" ")}`)
}
assert.equal(pages, 3)
assert.deepEqual(listed, agentIds)

const purged = await registry.batchDeleteChains({ agentIds, purge: true })
assert(purged.every(({ record }) => record))
console.log(`purged all ${purged.length} of them`)
await end()
