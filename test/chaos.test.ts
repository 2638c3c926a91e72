import { expect } from "chai"
import { type Fleet, startFleet } from "./chaos/fleet.js"
import { playRound, type Round } from "./chaos/round.js"

/** How old plain reads may be; short, so that lines are often frozen for longer. */
const BOUND_MS = 600

describe("three servers under a nemesis", () => {
  let fleet: Fleet

  before(async function () {
    this.timeout(60_000)
    fleet = await startFleet(3, { TRUST_REGISTRY_CACHE_MAX_AGE_MS: String(BOUND_MS) })
  })
  after(async () => {
    await fleet.end()
  })

  // CHAOS_SEED=n plays that seed; CHAOS_MINUTES=n plays random ones, of 20 s each, for so long.
  const { CHAOS_SEED, CHAOS_MINUTES } = process.env
  const roundMs = CHAOS_MINUTES ? 20_000 : 5_000
  const longestMs = Number(CHAOS_MINUTES ?? 0) * 60_000
  const anySeed = () => Math.floor(Math.random() * 2 ** 31)
  const seeds = CHAOS_SEED ? [Number(CHAOS_SEED)] : CHAOS_MINUTES ? [] : [20_261_123, anySeed()]

  it("tell all callers one history: no acknowledged write is lost, done twice or read too old", async function () {
    this.timeout(longestMs + 120_000)
    const started = performance.now()
    while (seeds.length > 0 || performance.now() - started < longestMs) {
      const seed = seeds.shift() ?? anySeed()
      const round = await playRound(fleet, seed, roundMs, BOUND_MS)
      if (CHAOS_MINUTES) console.log(`seed ${seed}:`, Object.fromEntries(round.faults), countsOf(round))
      const told = round.violations.slice(0, 5).map(({ rule, text }) => `${rule}: ${text}`)
      expect(told, `CHAOS_SEED=${seed} plays it again`).to.deep.equal([])
    }
  })
})

/** How many calls there were, and how many were answered, by what was asked or why it was refused. */
function countsOf({ calls }: Round): Record<string, number> {
  const counts: Record<string, number> = { calls: calls.length }
  for (const { operation, freshness, told } of calls) {
    if (told.kind === "unknown") continue
    const wanted = typeof freshness === "bigint" ? "min" : freshness
    const name = told.kind === "refused" ? told.reason : wanted ? `${operation} ${wanted}` : operation
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}
