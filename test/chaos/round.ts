import { setTimeout as sleep } from "node:timers/promises"
import { changeByHand } from "./byHand.js"
import { checkHistory, type Violation } from "./checkHistory.js"
import type { Fleet } from "./fleet.js"
import type { Call } from "./history.js"
import { unleash } from "./nemesis.js"
import { randomFrom } from "./random.js"
import { createRecorder } from "./recorder.js"
import { readTruth } from "./truth.js"
import { createWorkload } from "./workload.js"

/** What a round found. */
export interface Round {
  readonly violations: readonly Violation[]
  readonly calls: readonly Call[]
  /** How often each fault was made, by name. */
  readonly faults: ReadonlyMap<string, number>
}

const CLIENTS = 8

/**
 * Lets clients call and the nemesis break things for so long, all as the seed says, and compares what they were told with what
 * happened.
 *
 * @param boundMs how old the servers' plain reads may be
 */
export async function playRound(fleet: Fleet, seed: number, ms: number, boundMs: number): Promise<Round> {
  const random = randomFrom(seed)
  const calls: Call[] = []
  const workload = createWorkload(`seed-${seed}`, fleet, calls)
  const over = AbortSignal.timeout(ms)
  const byHand = (choice: ReturnType<typeof randomFrom>) =>
    changeByHand(fleet.sql, choice.pick([...workload.agents]), calls, choice)
  const names = Array.from({ length: CLIENTS }, (_, index) => `client-${index}`)
  const [faults] = await Promise.all([
    unleash(fleet, random.child("nemesis"), byHand, over),
    ...names.map((name) => workload.run(name, random.child(name), over)),
  ])
  await sleep(boundMs)
  await readAll(fleet, workload.agents, calls)
  const versions = await readTruth(fleet.sql, workload.agents)
  const violations = checkHistory({ calls, versions, boundMs, lenders: workload.lenders })
  return { violations, calls, faults }
}

/** When all is whole again, every server gives every agent, plainly and strongly. */
async function readAll(fleet: Fleet, agents: ReadonlySet<string>, calls: Call[]) {
  const recorder = createRecorder("afterwards", calls)
  for (const server of fleet.servers)
    for (const agentId of agents)
      for (const freshness of ["plain", "strong"] as const)
        for (;;) {
          const call = await recorder.ask(server, {
            operation: "read",
            agentId,
            freshness,
            includeInactive: true,
          })
          if (call.told.kind !== "unknown") break
        }
  recorder.close()
}
