import { randomUUID } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import { capability, delegation } from "../support/records.js"
import { sampleChain } from "../support/sample.js"
import type { Fleet } from "./fleet.js"
import type { Call, CallOperation, Freshness } from "./history.js"
import type { Random } from "./random.js"
import { type CallRequest, createRecorder, type Recorder } from "./recorder.js"

/** The random calls of clients, and what they know of each other's writes. */
export interface Workload {
  /** All agents in the workload. */
  readonly agents: ReadonlySet<string>
  /** The delegator of each delegatee. */
  readonly delegators: ReadonlyMap<string, string>
  /** Makes calls as one client, one after the other, until `signal`. */
  run(client: string, random: Random, signal: AbortSignal): Promise<void>
  /**
   * Makes plain reads that wait only for responses from memory, so that a server without its database is read continuously
   * while other clients wait for their deadlines.
   */
  readContinuously(client: string, random: Random, signal: AbortSignal): Promise<void>
}

/** Few agents, so that writers compete. */
const ALONE = 5
/** Pause between two calls of a client, in milliseconds. */
const PAUSE_MS = 12
const ATTEMPTS = 3
/** The deadline for responses from memory. */
const MEMORY_MS = 200
/** The probability of reading a write back from the same server at once. */
const READ_BACK = 0.4
/** The probability of a batch store. */
const BATCH = 0.05
/** The number of newest agents to read from. */
const RECENT = 20

/** Creates a workload on agents whose ids begin with `name`; outcomes go to `history`. */
export function createWorkload(name: string, fleet: Fleet, history: Call[]): Workload {
  const alone = Array.from({ length: ALONE }, (_, index) => `${name}-${index}`)
  const agents = new Set(alone)
  const delegators = new Map<string, string>()
  const newest = new Map<string, bigint>()
  const suspensions: string[] = []
  /** A root, its delegatee and the delegatee's delegatee. A new family replaces one that was revoked for good. */
  let family: string[] = []
  let families = 0
  const nextFamily = () => {
    families++
    family = ["root", "mid", "leaf"].map((role) => `${name}-family-${families}-${role}`)
    for (const agentId of family) agents.add(agentId)
    delegators.set(family[1] as string, family[0] as string).set(family[2] as string, family[1] as string)
  }
  nextFamily()

  const learn = ({ agentId, outcome }: Call) => {
    if (outcome.kind !== "record" && outcome.kind !== "revocation") return
    if (outcome.revision > (newest.get(agentId) ?? 0n)) newest.set(agentId, outcome.revision)
  }
  const readOf = (agentId: string, random: Random): CallRequest => {
    const freshness = freshnessOf(random, newest.get(agentId) ?? 0n)
    return { operation: "read", agentId, includeInactive: random.chance(0.5), freshness }
  }
  const choose = (random: Random): CallRequest => {
    const agentId = random.pick(random.chance(0.65) ? alone : family)
    const operation = operationOf(random, family.includes(agentId))
    if (operation === "read")
      return readOf(random.chance(0.8) ? agentId : random.pick([...agents].slice(-RECENT)), random)
    const write = { operation, agentId, requestId: randomUUID() }
    if (operation === "revoke" || operation === "suspend") return write
    if (operation === "lift") return { ...write, revocationId: random.pick(suspensions) }
    const document =
      operation === "store" || operation === "update"
        ? { chain: delegatedChain(agentId, delegators.get(agentId)) }
        : {}
    return { ...write, ...document, ...conditionOf(operation, newest.get(agentId), random) }
  }
  const operationOf = (random: Random, inFamily: boolean): CallOperation => {
    const roll = random.next()
    if (roll < 0.55) return "read"
    if (roll < 0.73) return "store"
    if (roll < 0.8) return "update"
    if (roll < 0.86) return "delete"
    if (roll < 0.94 || !inFamily) return random.chance(0.3) ? "purge" : "restore"
    if (roll < 0.955) return "revoke"
    return suspensions.length > 0 && random.chance(0.6) ? "lift" : "suspend"
  }

  const storeBatch = async (recorder: Recorder, random: Random) => {
    const atomic = random.chance(0.7)
    const stores = alone
      .filter(() => random.chance(0.5))
      .map(
        (agentId): CallRequest => ({
          operation: "store",
          agentId,
          requestId: randomUUID(),
          chain: delegatedChain(agentId, undefined),
        }),
      )
    for (let attempt = 1; attempt <= ATTEMPTS && stores.length > 0; attempt++) {
      const calls = await recorder.callBatch(random.pick(fleet.servers), stores, atomic)
      for (const call of calls) learn(call)
      if (calls.every(({ outcome }) => outcome.kind !== "unknown") || random.chance(0.4)) return
    }
  }

  return {
    agents,
    delegators,
    run: async (client, random, signal) => {
      const recorder = createRecorder(client, history)
      while (!signal.aborted) {
        if (random.chance(BATCH)) await storeBatch(recorder, random)
        const request = choose(random)
        if (request.operation === "suspend") suspensions.push(request.requestId as string)
        if (request.operation === "revoke") nextFamily()
        for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
          const server = random.pick(fleet.servers)
          const call = await recorder.call(server, request)
          learn(call)
          if (request.operation !== "read" && random.chance(READ_BACK))
            await recorder.call(server, plainReadOf(request))
          if (call.outcome.kind !== "unknown" || request.operation === "read" || random.chance(0.4)) break
        }
        await sleep(random.between(0, PAUSE_MS))
      }
      recorder.close()
    },
    readContinuously: async (client, random, signal) => {
      const recorder = createRecorder(client, history)
      while (!signal.aborted) {
        const agentId = random.pick([...alone, ...family])
        await recorder.call(random.pick(fleet.servers), plainReadOf({ agentId }), MEMORY_MS)
        await sleep(random.between(0, PAUSE_MS))
      }
      recorder.close()
    },
  }
}

function plainReadOf({ agentId }: Pick<CallRequest, "agentId">): CallRequest {
  return { operation: "read", agentId, freshness: "plain", includeInactive: true }
}

/** Creates a unique chain, delegated by `delegator` if there is one. */
export function delegatedChain(agentId: string, delegator: string | undefined) {
  return {
    ...sampleChain(agentId),
    capabilities: [capability(randomUUID())],
    delegations: delegator ? [delegation(agentId, { delegatorId: delegator })] : [],
  }
}

/** Only StoreChain accepts an expected_revision of 0. */
function conditionOf(operation: CallOperation, known: bigint | undefined, random: Random) {
  if (random.chance(0.7)) return {}
  if (operation === "store" && random.chance(0.3)) return { expectedRevision: 0n }
  return known === undefined ? {} : { expectedRevision: known }
}

function freshnessOf(random: Random, known: bigint): Freshness {
  const roll = random.next()
  if (roll < 0.5) return "plain"
  return roll < 0.75 ? "strong" : known
}
