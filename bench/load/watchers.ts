// Follows all changes with many watches until SIGTERM, then prints a Watched as JSON. In the
// meantime it prints `seen` and the number of events every watch has received. `watchers.ts ADDRESS WATCHES`
import * as grpc from "@grpc/grpc-js"
import { storedChainOf } from "@trust-registry/client"
import { decode, WatchChainsResponseSchema } from "@trust-registry/proto"
import { latencyOf } from "./latency.js"
import { WATCH_CHAINS } from "./registryCalls.js"
import type { Watched } from "./watch.js"

const [address = "", count = ""] = process.argv.slice(2)
const watches = Number(count)
/** Watches on one connection, below what servers allow. */
const PER_CONNECTION = 100
/** Watches whose events are decoded: decoding those of a thousand would be the bottleneck. */
const SAMPLED = 5
const TELL_MS = 100

const bytes = (value: Buffer) => value
const channels = Array.from({ length: Math.ceil(watches / PER_CONNECTION) }, () => {
  return new grpc.Client(address, grpc.credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 })
})
const lags: number[] = []
const seen: [string, number][] = []
const events: number[] = []
let responses = 0
let begun = 0

for (let index = 0; index < watches; index++) {
  const channel = channels[index % channels.length] as grpc.Client
  const stream = channel.makeServerStreamRequest(WATCH_CHAINS, bytes, bytes, Buffer.alloc(0))
  let first = true
  events.push(0)
  stream.on("data", (response: Buffer) => {
    const now = performance.timeOrigin + performance.now()
    responses++
    if (first && ++begun === watches) process.stdout.write("ready\n")
    first = false
    if (index < SAMPLED) note(index, response, now)
  })
  stream.on("error", (error) => {
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  })
}

setInterval(() => {
  process.stdout.write(`seen ${Math.min(...events.slice(0, SAMPLED))}\n`)
}, TELL_MS)

process.once("SIGTERM", () => {
  const watched: Watched = { lag: latencyOf(lags), seen, events: events.slice(0, SAMPLED), responses }
  process.stdout.write(`${JSON.stringify(watched)}\n`, () => process.exit(0))
})

/** Measures from the write of the row, before its commit, until now; database and watcher share this machine's clock. */
function note(index: number, response: Buffer, now: number) {
  for (const event of decode(WatchChainsResponseSchema, response).events) {
    const { record } = storedChainOf(event) ?? {}
    events[index] = (events[index] ?? 0) + 1
    const { seconds = 0n, nanos = 0 } = record?.updatedAt ?? {}
    if (index === 0) seen.push([record?.agentId ?? "", now])
    lags.push(now - (Number(seconds) * 1000 + nanos / 1e6))
  }
}
