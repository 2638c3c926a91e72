import {
  type AgentRevocations,
  capabilityCovers,
  checkAuthority,
  MakeError,
  type TrustInput,
} from "@trust-registry/eatp"
import { AuthorityType, CapabilityType, type TrustLineageChain } from "@trust-registry/proto"
import { expect } from "chai"
import fc from "fast-check"
import { days, NOW, trustWorld, type World } from "../support/trustWorld.js"

const DAY = 86_400_000_000n
const AGENTS = ["a0", "a1", "a2", "a3", "a4", "a5"]
const NAMES = ["read_data", "read_*", "write_data"]

describe("checkAuthority", () => {
  let world: World
  beforeEach(() => {
    world = trustWorld()
  })
  const check = (agentId: string, changes: Partial<TrustInput> = {}, authorityId?: string) =>
    checkAuthority(
      {
        request: { agentId, action: "read_data", level: "full" },
        ...{ nowMicros: NOW, chains: world.chains, authorities: world.authorities },
        ...changes,
      },
      authorityId,
    )
  const chainOf = (agentId: string) => world.chains.get(agentId)?.chain as TrustLineageChain
  const line = async (hops: number) => {
    await world.establish("hop-0")
    for (let hop = 1; hop <= hops; hop++) await world.delegate(`hop-${hop - 1}`, `hop-${hop}`)
  }

  it("names every record of a path of ten hops, and refuses one hop more", async () => {
    await line(10)
    const { authorized, path } = await check("hop-10")
    expect(authorized).to.equal(true)
    const expected = [["AUTHORITY", "org-a", ""]]
    const root = chainOf("hop-0")
    expected.push(["GENESIS", root.genesis?.id ?? "", "hop-0"])
    expected.push(["CAPABILITY", root.capabilities[0]?.id ?? "", "hop-0"])
    for (let hop = 1; hop <= 10; hop++) {
      const { delegations, capabilities } = chainOf(`hop-${hop}`)
      expected.push(["DELEGATION", delegations[0]?.id ?? "", `hop-${hop}`])
      expected.push(["CAPABILITY", capabilities[0]?.id ?? "", `hop-${hop}`])
    }
    expect(path.map(({ kind, id, agentId }) => [kind, id, agentId])).to.deep.equal(expected)
    for (const record of path) expect(record).to.include({ holds: true, authorityId: "org-a", detail: "" })

    // None makes an eleventh hop: the lower half is made in a world of its own, where it is the first.
    const lower = trustWorld()
    await lower.establish("hop-10")
    await lower.delegate("hop-10", "hop-11")
    world.keep(lower.chains.get("hop-11")?.chain as TrustLineageChain)
    const deeper = await check("hop-11")
    expect(deeper).to.include({ authorized: false, reason: "PATH_BROKEN" })
    expect(deeper.path[0]).to.include({ kind: "DELEGATION", agentId: "hop-1", holds: false })
    expect(deeper.path.filter(({ holds }) => !holds)).to.have.length(1)
  })

  it("denies if a record further up expired or was revoked, and shows what still verifies below it", async () => {
    await line(3)
    const top = chainOf("hop-1")
    const [delegation, capability] = [top.delegations[0]?.id ?? "", top.capabilities[0]?.id ?? ""]
    const revocations = (of: AgentRevocations) => ({ revocations: new Map([["hop-1", of]]) })
    const delegationRevoked = await check("hop-3", revocations({ delegations: new Set([delegation]) }))
    expect(delegationRevoked.authorized).to.equal(false)
    expect(delegationRevoked.path[0]).to.include({
      kind: "DELEGATION",
      id: delegation,
      holds: false,
      detail: "revoked",
    })
    expect(delegationRevoked.path.slice(1).every(({ holds }) => holds)).to.equal(true)
    const capabilityRevoked = await check("hop-3", revocations({ capabilities: new Set([capability]) }))
    expect(capabilityRevoked).to.include({ authorized: false, reason: "CAPABILITY_REVOKED" })
    expect(capabilityRevoked.path.map(({ kind, agentId }) => `${kind} ${agentId}`)).to.deep.equal([
      "CAPABILITY hop-1",
      "DELEGATION hop-2",
      "CAPABILITY hop-2",
      "DELEGATION hop-3",
      "CAPABILITY hop-3",
    ])
  })

  it("denies in VerifyTrust too if a capability was delegated only from revoked ones, whatever their expiry", async () => {
    await line(3)
    await world.establish("other")
    const id = (agentId: string) => chainOf(agentId).capabilities[0]?.id ?? ""
    const revoking = (...agentIds: string[]) => ({
      revocations: new Map(agentIds.map((agentId) => [agentId, { capabilities: new Set([id(agentId)]) }])),
    })
    const denied = await world.verify("hop-3", "full", revoking("hop-0"))
    expect(denied).to.include({ valid: false, reason: "CAPABILITY_REVOKED" })
    expect(denied.reasonText).to.include(id("hop-0"))
    expect((await world.verify("hop-3", "standard", revoking("hop-1"))).reason).to.equal("CAPABILITY_REVOKED")
    expect((await world.verify("hop-3", "full", revoking("other"))).valid).to.equal(true)
    // Another delegation of the same name, from somebody whose own is not revoked.
    await world.delegate("other", "hop-2")
    expect((await world.verify("hop-3", "full", revoking("hop-1"))).valid).to.equal(true)
    expect((await world.verify("hop-3", "full", revoking("hop-1", "other"))).valid).to.equal(false)
    // Far up, what has only run out is not looked at.
    const upper = chainOf("hop-0").capabilities[0]
    if (upper) upper.expiresAt = days(-1)
    const delegations = chainOf("hop-2").delegations
    delegations.pop()
    chainOf("hop-2").capabilities.pop()
    expect(await check("hop-3")).to.include({ authorized: false, reason: "CAPABILITY_EXPIRED" })
  })

  it("answers for the authority at the head of the path: the attester of the first capability", async () => {
    await line(2)
    expect((await check("hop-2", {}, "org-a")).authorized).to.equal(true)
    const answer = await check("hop-2", {}, "org-b")
    expect(answer).to.include({ authorized: false, reason: "AUTHORITY_MISMATCH" })
    expect(answer.path[0]).to.include({ kind: "AUTHORITY", id: "org-a", holds: false })
    expect(answer.path).to.have.length(7)
    // A longer way that breaks does not hide the one that stands.
    await world.establish("far-0", { authorityId: "org-b" })
    for (let hop = 1; hop <= 4; hop++) await world.delegate(`far-${hop - 1}`, `far-${hop}`)
    await world.delegate("far-4", "hop-2")
    const revocations = new Map([
      ["far-0", { capabilities: new Set(chainOf("far-0").capabilities.map(({ id }) => id)) }],
    ])
    expect((await check("hop-2", { revocations }, "org-b")).reason).to.equal("AUTHORITY_MISMATCH")
    await world.establish("delegator-b", { authorityId: "org-b" })
    await world.delegate("delegator-b", "hop-2")
    expect((await check("hop-2", {}, "org-b")).path[0]).to.include({ id: "org-b", holds: true })
  })

  it("reports an inactive authority, and trusts what it signed", async () => {
    await line(1)
    const active = world.authorities.get("org-a")
    const authorities = new Map([["org-a", { id: "org-a", keys: active?.keys ?? [], active: false }]])
    const { authorized, path } = await check("hop-1", { authorities })
    expect(authorized).to.equal(true)
    for (const { detail } of path) expect(detail).to.include("inactive")
  })

  it("lists each constraint, whether it is met, and whether any rule evaluates it", async () => {
    const constraints = ["read_only", "max_api_calls=10"]
    await world.establish("bound", {
      capabilities: [{ capability: "*", capabilityType: CapabilityType.ACCESS, constraints }],
      authorityType: AuthorityType.ORGANIZATION,
    })
    const asked = (action: string) => check("bound", { request: { agentId: "bound", action, level: "full" } })
    const met = await asked("read_data")
    expect(met.constraintsUnmet).to.deep.equal([])
    const told = met.constraintsMet.map(({ constraint, evaluated }) => `${constraint} ${evaluated}`)
    expect(new Set(told)).to.deep.equal(new Set(["read_only true", "max_api_calls=10 false"]))
    const unmet = await asked("delete_data")
    expect(unmet).to.include({ authorized: false, reason: "CONSTRAINT_VIOLATION" })
    expect(unmet.constraintsUnmet[0]?.reason).to.include("read_only")
    // The path stands all the same.
    expect(unmet.path[0]).to.include({ kind: "AUTHORITY", holds: true })
  })

  it("finds a path exactly where an exhaustive search does (property)", async () => {
    let [allowed, denied] = [0, 0]
    await fc.assert(
      fc.asyncProperty(worlds, async (plan) => {
        const made = await build(plan)
        for (const agentId of AGENTS) {
          const stored = made.input.chains.get(agentId)
          if (!stored?.active) continue
          for (const action of ["read_data", "write_data"]) {
            const input = { ...made.input, request: { agentId, action, level: "full" as const } }
            const { path } = await checkAuthority(input)
            const stands = path.length > 0 && path.every(({ holds }) => holds)
            expect(stands, `${agentId} ${action}`).to.equal(naive(made, agentId, action))
            if (stands) allowed++
            else denied++
          }
        }
      }),
      { numRuns: 60 },
    )
    expect(allowed).to.be.greaterThan(50)
    expect(denied).to.be.greaterThan(50)
  })
})

/** Who begins with what, who delegates what to whom and until when, and what goes wrong afterwards. */
const worlds = fc.record({
  roots: fc.array(
    fc.record({
      agent: fc.constantFrom("a0", "a1", "a2"),
      names: fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1 }),
      ends: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  delegations: fc.array(
    fc.record({
      from: fc.constantFrom(...AGENTS),
      to: fc.constantFrom(...AGENTS),
      names: fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1 }),
      ends: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
    }),
    { minLength: 3, maxLength: 10 },
  ),
  faults: fc.array(
    fc.record({
      agent: fc.constantFrom(...AGENTS),
      record: fc.nat(4),
      what: fc.constantFrom(
        "revoke delegation",
        "revoke capability",
        "forge delegation",
        "forge capability",
        "retire",
      ),
    }),
    { maxLength: 4 },
  ),
  day: fc.integer({ min: 0, max: 7 }),
})

type Plan = typeof worlds extends fc.Arbitrary<infer Value> ? Value : never
type Made = { input: Omit<TrustInput, "request">; forged: Set<object>; nowMicros: bigint }

async function build({ roots, delegations, faults, day }: Plan): Promise<Made> {
  const world = trustWorld()
  for (const { agent, names, ends } of roots) {
    if (world.chains.has(agent)) continue
    const expiresAt = ends === undefined ? undefined : days(ends)
    const capabilities = names.map((capability) => ({
      ...{ capability, capabilityType: CapabilityType.ACCESS },
      expiresAt,
    }))
    await world.establish(agent, { capabilities })
  }
  for (const { from, to, names, ends } of delegations) {
    const expiry = ends === undefined ? {} : { expiresAt: days(ends) }
    await world.delegate(from, to, { capabilities: names, ...expiry }).catch(refused)
  }
  const revocations = new Map<string, AgentRevocations>()
  const forged = new Set<object>()
  for (const { agent, record, what } of faults) {
    const stored = world.chains.get(agent)
    if (stored === undefined) continue
    const records = what.endsWith("delegation") ? stored.chain.delegations : stored.chain.capabilities
    const one = records[record % Math.max(1, records.length)]
    if (what === "retire") stored.active = false
    else if (one === undefined) continue
    else if (what.startsWith("forge")) {
      one.signature = `${one.signature[0] === "A" ? "B" : "A"}${one.signature.slice(1)}`
      forged.add(one)
    } else {
      const known = revocations.get(agent) ?? { delegations: new Set(), capabilities: new Set() }
      const ids = (what === "revoke delegation" ? known.delegations : known.capabilities) as Set<string>
      ids.add(one.id)
      revocations.set(agent, known)
    }
  }
  const nowMicros = NOW + BigInt(day) * DAY + 1n
  return {
    input: { nowMicros, chains: world.chains, authorities: world.authorities, revocations },
    forged,
    nowMicros,
  }
}

function refused(error: unknown): void {
  if (!(error instanceof MakeError)) throw error
}

/** Tries every way up, without memory: the rules once more, in the plainest words. */
function naive({ input, forged, nowMicros }: Made, agentId: string, action: string): boolean {
  const past = (end: string | undefined) =>
    end !== undefined && Date.parse(end) < Number(nowMicros / 1000n) + 1
  const revokedIn = (id: string) => input.revocations?.get(id) ?? {}
  const stands = (holder: string, capabilityId: string, hops: number): boolean => {
    const chain = input.chains.get(holder)?.chain as TrustLineageChain
    const capability = chain.capabilities.find(({ id }) => id === capabilityId)
    if (capability === undefined || forged.has(capability) || past(capability.expiresAt)) return false
    if (revokedIn(holder).capabilities?.has(capability.id)) return false
    const delegations = chain.delegations.filter((delegation) =>
      delegation.capabilitiesDelegated.includes(capability.capability),
    )
    if (delegations.length === 0) return !past(chain.genesis?.expiresAt)
    return delegations.some((delegation) => {
      const delegator = input.chains.get(delegation.delegatorId)
      if (hops === 10 || forged.has(delegation) || past(delegation.expiresAt) || !delegator?.active)
        return false
      if (revokedIn(holder).delegations?.has(delegation.id) || past(delegator.chain.genesis?.expiresAt))
        return false
      return delegator.chain.capabilities.some(
        (above) =>
          capabilityCovers(above.capability, capability.capability) &&
          stands(delegation.delegatorId, above.id, hops + 1),
      )
    })
  }
  const { chain } = input.chains.get(agentId) as { chain: TrustLineageChain }
  if (past(chain.genesis?.expiresAt)) return false
  const live = chain.capabilities.filter(
    ({ id, expiresAt }) => !past(expiresAt) && !revokedIn(agentId).capabilities?.has(id),
  )
  const matched =
    live.find(({ capability }) => capability === action) ??
    live.find(({ capability }) => capabilityCovers(capability, action))
  return matched !== undefined && stands(agentId, matched.id, 0)
}
