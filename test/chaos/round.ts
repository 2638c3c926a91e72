import { setTimeout as sleep } from "node:timers/promises"
import { until } from "../support/until.js"
import { changeByHand } from "./byHand.js"
import { checkHistory, type Violation } from "./checkHistory.js"
import type { Fleet, FleetServer } from "./fleet.js"
import type { Call, Freshness } from "./history.js"
import { unleash } from "./nemesis.js"
import { type Random, randomFrom } from "./random.js"
import { createRecorder } from "./recorder.js"
import { readTruth } from "./truth.js"
import { mirror, watchAll } from "./watchers.js"
import { createWorkload } from "./workload.js"

/** The result of a round. */
export interface Round {
  readonly violations: readonly Violation[]
  readonly calls: readonly Call[]
  /** The number of each fault, by name. */
  readonly faults: ReadonlyMap<string, number>
}

const CLIENTS = 8
const READERS = 3
/** Makes agent ids unique to a round, even if a seed is played twice. */
let rounds = 0

/** The minimum number of writes and of reads of each kind in a round. */
const ENOUGH = 25

/**
 * Runs clients and the nemesis for at least `ms` milliseconds and until there are enough outcomes, all determined by the seed,
 * and compares the outcomes with what happened.
 *
 * @param boundMs the maximum age of plain reads, in milliseconds
 */
export async function playRound(fleet: Fleet, seed: number, ms: number, boundMs: number): Promise<Round> {
  const random = randomFrom(seed)
  const calls: Call[] = []
  const name = `seed-${seed}-${++rounds}`
  const workload = createWorkload(name, fleet, calls)
  const watchers = [await watchAll(fleet, `${name}-`, random.child("watch"), calls)]
  const over = new AbortController()
  const byHand = (choice: Random) => changeByHand(fleet.sql, choice.pick([...workload.agents]), calls, choice)
  const clients = Array.from({ length: CLIENTS }, (_, index) => `client-${index}`)
  const readers = Array.from({ length: READERS }, (_, index) => `reader-${index}`)
  const playing = Promise.all([
    unleash(fleet, random.child("nemesis"), byHand, over.signal),
    ...clients.map((client) => workload.run(client, random.child(client), over.signal)),
    ...readers.map((reader) => workload.readContinuously(reader, random.child(reader), over.signal)),
  ])
  await sleep(ms / 2)
  for (const activeOnly of [false, true])
    watchers.push(mirror(fleet, `${name}-`, activeOnly, random.child(`mirror ${activeOnly}`)))
  await sleep(ms / 2)
  await until("there are enough outcomes", () => isEnough(calls), LONGEST_MS).finally(() => over.abort())
  const [faults] = await playing
  await sleep(boundMs)
  await readAll(fleet, workload.agents, calls)
  const versions = await readTruth(fleet.sql, workload.agents)
  const faultsOfWatches = (await Promise.all(watchers.map((watcher) => watcher.end(versions)))).flat()
  const violations = [
    ...checkHistory({ calls, versions, boundMs, delegators: workload.delegators }),
    ...faultsOfWatches.map((text) => ({ rule: "watch", text })),
  ]
  return { violations, calls, faults }
}

const LONGEST_MS = 40_000

function isEnough(calls: readonly Call[]) {
  const answered = calls.filter(({ outcome }) => outcome.kind !== "unknown")
  const reads = (fits: (freshness: Call["freshness"]) => boolean) =>
    answered.filter(({ operation, freshness }) => operation === "read" && fits(freshness)).length
  const writes = answered.filter(
    ({ requestId, outcome }) => requestId !== undefined && outcome.kind !== "refused",
  )
  const counts = [
    writes.length,
    reads((freshness) => freshness === "plain"),
    reads((freshness) => freshness === "strong"),
    reads((freshness) => typeof freshness === "bigint"),
  ]
  return counts.every((count) => count >= ENOUGH)
}

/** Reads every agent from every healed server, plain and strong. */
async function readAll(fleet: Fleet, agents: ReadonlySet<string>, calls: Call[]) {
  const recorder = createRecorder("afterwards", calls)
  const read = async (server: FleetServer, agentId: string, freshness: Freshness) => {
    const request = { operation: "read", agentId, freshness, includeInactive: true } as const
    await until(
      `server ${server.index} answers`,
      async () => {
        const { outcome } = await recorder.call(server, request)
        if (outcome.kind === "unknown") throw new Error(outcome.reason)
        return true
      },
      LONGEST_MS,
    )
  }
  for (const server of fleet.servers)
    for (const agentId of agents)
      for (const freshness of ["plain", "strong"] as const) await read(server, agentId, freshness)
  recorder.close()
}
