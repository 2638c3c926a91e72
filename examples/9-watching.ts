// Keep a current copy of some chains: the present state, then every change, even across a lost connection.
import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import {
  type ChainEvent,
  ChainOperationSchema,
  connect,
  storedChainOf,
  type TrustLineageChain,
} from "@trust-registry/client"
import { exampleChain } from "./chain.js"
import { cleanUp } from "./cleanUp.js"

const registry = connect(process.env.TRUST_REGISTRY_ADDRESS ?? "127.0.0.1:50051")
const prefix = `example-watch-${randomUUID()}-`
const end = cleanUp(registry, prefix)
const [first, second] = [`${prefix}1`, `${prefix}2`]
const writers = "write_reports"

const created = await registry.storeChain({ chain: exampleChain(first, { capabilities: [writers] }) })

// The chains of agents that may write reports, by agent.
const copy = new Map<string, TrustLineageChain>()
const filter = { agentIdPrefix: prefix, capability: writers }
const stop = new AbortController()
const watch = registry.watchChains({ filter, includeCurrent: true }, { signal: stop.signal })
const responses = watch.responses()[Symbol.asyncIterator]()

await readUntil((caughtUp) => caughtUp)
assert.deepEqual([...copy.keys()], [first])

await registry.storeChain({ chain: exampleChain(second, { capabilities: [writers, "read_data"] }) })
await registry.storeChain({ chain: exampleChain(first, { capabilities: ["read_data"] }) })
await readUntil(() => copy.has(second) && !copy.has(first))

const { record } = await registry.purgeChain({ agentId: second })
await readUntil(() => copy.size === 0)
await responses.return?.()

// A watch can resume from any revision, here from our first change on.
const seen: (string | undefined)[] = []
const startRevision = created.record?.revision ?? 0n
const again = registry.watchChains({ filter: { agentIdPrefix: prefix }, startRevision })
for await (const event of again) {
  seen.push(textOf(event))
  if (storedChainOf(event)?.record?.revision === record?.revision) break
}
assert.deepEqual(seen, ["CREATED", "CREATED", "UPDATED", "PURGED"])

// The history of the first one.
for await (const { operation, stored } of registry.listChainRevisions({ agentId: first })) {
  const names = stored?.chain?.capabilities.map(({ capability }) => capability)
  const name = ChainOperationSchema.value[operation]?.localName
  console.log(`revision ${stored?.record?.revision}: ${name} with ${names}`)
}

await end()

async function readUntil(done: (caughtUp: boolean) => boolean) {
  for (;;) {
    const { value, done: ended } = await responses.next()
    if (ended) throw new Error("the watch ended")
    for (const event of value.events) apply(event)
    if (done(value.caughtUp)) return
  }
}

function apply(event: ChainEvent) {
  const { chain, record } = storedChainOf(event) ?? {}
  const agentId = record?.agentId ?? ""
  console.log(`revision ${record?.revision}: ${textOf(event)} ${agentId}`)
  if (chain) copy.set(agentId, chain)
  else copy.delete(agentId)
}

function textOf({ kind }: ChainEvent) {
  // An event is `current` or `changed`, or `left` if a change took the chain out of the filter.
  return kind.case === "changed" ? ChainOperationSchema.value[kind.value.operation]?.localName : kind.case
}
