import { randomUUID } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import { TrustStoreService } from "@trust-registry/proto"
import { expect } from "chai"
import { connectTo, detailsOf, failureOf } from "../support/calls.js"
import { sampleChain } from "../support/sample.js"
import { scaled } from "../support/slowness.js"
import { until } from "../support/until.js"
import { type OpenWatch, validateWatch } from "../support/watchValidator.js"
import { checkHistory } from "./checkHistory.js"
import { type Fleet, type FleetServer, startFleet } from "./fleet.js"
import type { Call, Freshness } from "./history.js"
import { type CallRequest, createRecorder, type Recorder } from "./recorder.js"
import { playRound, type Round } from "./round.js"
import { readTruth } from "./truth.js"
import { delegatedChain } from "./workload.js"

/** The maximum age of plain reads: short, so that connections are often frozen for longer. */
const BOUND_MS = 600

describe("three servers on one database", () => {
  let fleet: Fleet

  before(async () => {
    fleet = await startFleet([1, 1, 2], {
      TRUST_REGISTRY_CACHE_MAX_AGE_MS: String(BOUND_MS),
      TRUST_REGISTRY_DATABASE_TIMEOUT_MS: String(scaled(2_000)),
    })
  })
  afterEach(() => {
    for (const { back } of fleet.servers) back.thaw()
  })
  after(async () => {
    await fleet.end()
  })

  it("never return a revoked cascade of 1,000 to strong reads, reads at its revision, or reads past the cache age", async () => {
    const calls: Call[] = []
    const [here, there, stalled] = fleet.servers as [FleetServer, FleetServer, FleetServer]
    const { agents, delegators } = cascadeOf("revoked", 1_000)
    const every = (step: number) => agents.filter((_, index) => index % step === 0)
    const some = every(10)
    const [root] = agents as [string]
    const recorders = Array.from({ length: 8 }, (_, index) => createRecorder(`client-${index}`, calls))
    const callAll = async (
      server: FleetServer,
      agentIds: readonly string[],
      what: (agentId: string) => CallRequest,
    ) => {
      const waiting = [...agentIds].reverse()
      const answers = new Set<string>()
      const lane = async (recorder: Recorder) => {
        for (let next = waiting.pop(); next; next = waiting.pop())
          answers.add((await recorder.call(server, what(next))).outcome.kind)
      }
      await Promise.all(recorders.map(lane))
      return [...answers]
    }
    const read = (freshness: Freshness) => (agentId: string) =>
      ({ operation: "read", agentId, freshness }) as const
    const [recorder] = recorders as [Recorder]
    const stores = agents.map(
      (agentId): CallRequest => ({
        operation: "store",
        agentId,
        requestId: randomUUID(),
        chain: delegatedChain(agentId, delegators.get(agentId)),
      }),
    )
    for (const half of [stores.slice(0, 500), stores.slice(500)])
      for (const { outcome } of await recorder.callBatch(here, half, true))
        expect(outcome.kind).to.equal("record")
    expect(await found(there, agents)).to.equal(1_001)
    expect(await callAll(stalled, some, read("strong"))).to.deep.equal(["record"])
    stalled.back.darken()
    const revoke = { operation: "revoke", agentId: root, requestId: randomUUID() } as const
    const { outcome, endedAt } = await recorder.call(here, revoke)
    const bound = sleep(endedAt + BOUND_MS - performance.now())
    const { revision } = outcome as { revision: bigint }
    expect(await callAll(there, every(4), read(revision))).to.deep.equal(["nothing"])
    expect(await callAll(there, some, read("strong"))).to.deep.equal(["nothing"])
    await bound
    expect(await found(there, agents)).to.equal(0)
    for (const agentId of every(100)) {
      const { outcome } = await recorder.call(stalled, read("plain")(agentId), 200)
      expect(outcome.kind).to.equal("unknown")
    }
    stalled.back.thaw()
    for (const recorder of recorders) recorder.close()
    const versions = await readTruth(fleet.sql, new Set(agents))
    expect(versions.filter(({ operation }) => operation === "revoked")).to.have.lengthOf(1_001)
    expect(checkHistory({ calls, versions, boundMs: BOUND_MS, delegators })).to.deep.equal([])
  })

  it("refuse writers in time while a manual change is held open, continue to read, then notify every reader and watch", async () => {
    const lines = fleet.servers.map(({ address }) => connectTo(address))
    const stores = lines.map((line) => line.calls(TrustStoreService))
    const [here] = stores as [(typeof stores)[0]]
    const filter = { agentIdPrefix: "held-", includeInactive: true }
    const watches = stores.map((store) => {
      const open: OpenWatch = (request, signal) =>
        store.watchChains(request, { signal, timeoutMs: scaled(60_000) })
      return validateWatch(open, { filter })
    })
    for (const watch of watches) await watch.reaches(1n)
    for (const name of ["touched", "deleted", "other"])
      await here.storeChain({ chain: sampleChain(`held-${name}`) })
    const revisionOf = async (store: (typeof stores)[0], agentId: string) =>
      (await store.getChain({ agentId, includeInactive: true }).catch(() => undefined))?.stored?.record
        ?.revision
    const [touched] = await fleet.sql.begin(async (sql) => {
      await sql`select count(*) from trust_chains`
      await here.storeChain({ chain: delegatedChain("held-other", undefined) })
      await sql`delete from trust_chains where agent_id = 'held-deleted'`
      const rows = await sql<{ revision: string }[]>`
        update trust_chains set authority_id = 'org-by-hand' where agent_id = 'held-touched' returning revision`
      for (const failure of await Promise.all(
        stores.map((store) => failureOf(store.storeChain({ chain: sampleChain("held-late") }))),
      )) {
        expect(detailsOf(failure).info?.reason).to.equal("DATABASE_UNAVAILABLE")
        expect(detailsOf(failure).retry).to.not.equal(undefined)
      }
      for (const store of stores) {
        const strong = { requirement: { case: "strong", value: true } } as const
        const { record } =
          (await store.getChain({ agentId: "held-touched", consistency: strong })).stored ?? {}
        expect(record?.authorityId).to.equal("org-acme")
        expect(await revisionOf(store, "held-deleted")).to.not.equal(undefined)
      }
      return rows
    })
    const { record: last } = await here.storeChain({ chain: sampleChain("held-late") })
    for (const store of stores) {
      await until(
        "the update is read",
        async () => String(await revisionOf(store, "held-touched")) === touched?.revision,
      )
      await until("the deletion is read", async () => (await revisionOf(store, "held-deleted")) === undefined)
    }
    const versions = await fleet.sql<{ line: string }[]>`
      select revision || ' ' || upper(operation) as line from trust_chain_revisions
      where agent_id like 'held-%' order by revision`
    expect(versions).to.have.lengthOf(7)
    for (const watch of watches) {
      await watch.reaches((last?.revision ?? 0n) + 1n)
      const reported = watch.events.map(({ word, record }) => `${record?.revision} ${word}`)
      expect(reported).to.deep.equal(versions.map(({ line }) => line))
      await watch.stop()
    }
    for (const line of lines) line.close()
  })

  // CHAOS_SEED=n plays that seed; CHAOS_MINUTES=n plays random seeds, of 20 s each, for n minutes.
  const { CHAOS_SEED, CHAOS_MINUTES } = process.env
  const roundMs = CHAOS_MINUTES ? 20_000 : 5_000
  const longestMs = Number(CHAOS_MINUTES ?? 0) * 60_000
  const anySeed = () => Math.floor(Math.random() * 2 ** 31)
  const seeds = CHAOS_SEED ? [Number(CHAOS_SEED)] : CHAOS_MINUTES ? [] : [20_261_123, anySeed()]

  it("keep one history under a nemesis: no acknowledged write is lost, done twice or read too late", async () => {
    const started = performance.now()
    while (seeds.length > 0 || performance.now() - started < longestMs) {
      const seed = seeds.shift() ?? anySeed()
      const round = await playRound(fleet, seed, roundMs, BOUND_MS)
      if (CHAOS_MINUTES) console.log(`seed ${seed}:`, Object.fromEntries(round.faults), countsOf(round))
      const violations = round.violations.slice(0, 5).map(({ rule, text }) => `${rule}: ${text}`)
      expect(violations, `CHAOS_SEED=${seed} plays it again`).to.deep.equal([])
    }
  }).timeout(longestMs + scaled(240_000))
})

/** Counts the agents whose chains a plain read of a server returns. */
async function found({ address }: FleetServer, agentIds: readonly string[]) {
  const line = connectTo(address)
  const { batchGetChains } = line.calls(TrustStoreService)
  const halves = [agentIds.slice(0, 500), agentIds.slice(500)]
  const answers = await Promise.all(halves.map((half) => batchGetChains({ agentIds: half })))
  line.close()
  return answers.reduce((count, { found }) => count + found.length, 0)
}

/** Builds a cascade: a root, ten delegatees, and the other descendants as their delegatees. */
function cascadeOf(name: string, descendants: number) {
  const root = `${name}-root`
  const delegators = new Map<string, string>()
  for (let index = 0; index < descendants; index++)
    delegators.set(`${name}-${index}`, index < 10 ? root : `${name}-${index % 10}`)
  return { agents: [root, ...delegators.keys()], delegators }
}

/** Counts the calls, and those with a response by operation or by reason of refusal. */
function countsOf({ calls }: Round): Record<string, number> {
  const counts: Record<string, number> = { calls: calls.length }
  for (const { operation, freshness, outcome } of calls) {
    if (outcome.kind === "unknown") continue
    const wanted = typeof freshness === "bigint" ? "min" : freshness
    const name = outcome.kind === "refused" ? outcome.reason : wanted ? `${operation} ${wanted}` : operation
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}
