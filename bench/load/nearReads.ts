// Sequential GetChain calls of the SDK. `nearReads.ts ADDRESS AGENT SECONDS near|far` prints the calls per second.
import { setImmediate as turn } from "node:timers/promises"
import { connect } from "@trust-registry/client"

const [address = "", agentId = "", seconds = "", where = ""] = process.argv.slice(2)
const registry = connect(address, where === "near" ? { cache: { maxEntries: 100 } } : {})
/** Reads per turn of the event loop: the cache's watch needs turns to receive events. */
const BATCH = where === "near" ? 1_000 : 1
const request = { agentId }
const length = Number(seconds) * 1000
await registry.getChain(request)
const warmUntil = performance.now() + length / 4
while (performance.now() < warmUntil) await read()
let reads = 0
const began = performance.now()
while (performance.now() - began < length) reads += await read()
process.stdout.write(JSON.stringify({ perSecond: (reads * 1000) / (performance.now() - began) }))
registry.close()

async function read() {
  for (let index = 0; index < BATCH; index++) await registry.getChain(request)
  await turn()
  return BATCH
}
