import { create } from "@bufbuild/protobuf"
import {
  attest,
  checkAuthority,
  effectiveExpiry,
  expiredPart,
  isEffective,
  isExpired,
  isInForce,
  isoFromMicros,
  keysFor,
  parseTime,
  type TrustInput,
} from "@trust-registry/eatp"
import { CapabilityType, type TrustLineageChain, TrustLineageChainSchema } from "@trust-registry/proto"
import { expect } from "chai"
import { NOW, trustWorld, type World } from "../support/trustWorld.js"

describe("eatp: the effective expiry", () => {
  const [early, middle, late] = [
    "2030-01-01T00:00:00Z",
    "2031-01-01T00:00:00Z",
    "2032-01-01T00:00:00Z",
  ] as const
  const chainWith = (genesisEnd: string | undefined, ...ends: (string | undefined)[]): TrustLineageChain =>
    create(TrustLineageChainSchema, {
      genesis: genesisEnd === undefined ? {} : { expiresAt: genesisEnd },
      capabilities: ends.map((expiresAt) => (expiresAt === undefined ? {} : { expiresAt })),
    })

  const cases: [
    what: string,
    chain: TrustLineageChain,
    request: string | undefined,
    expected: string | undefined,
  ][] = [
    ["nothing expires", chainWith(undefined), undefined, undefined],
    ["only the request expires", chainWith(undefined), early, early],
    ["only the genesis record expires", chainWith(middle), undefined, middle],
    ["the earlier of both", chainWith(late), middle, middle],
    ["the last capability, if all expire", chainWith(undefined, early, middle), undefined, middle],
    ["one capability never expires", chainWith(undefined, early, undefined), undefined, undefined],
    ["the earliest of three", chainWith(late, early, middle), late, middle],
    ["offsets are applied", chainWith("2031-01-01T00:00:00+01:00"), middle, "2031-01-01T00:00:00+01:00"],
    ["naive times are ignored", chainWith("2020-01-01T00:00:00", "2020-01-01"), late, late],
  ]
  for (const [what, chain, request, expected] of cases) {
    it(`is correct: ${what}`, () => {
      const found = effectiveExpiry(chain, request === undefined ? undefined : micros(request))
      expect(found).to.equal(expected === undefined ? undefined : micros(expected))
    })
  }

  it("names the part that has expired", () => {
    expect(expiredPart(chainWith(early, late), micros(middle))).to.equal("genesis")
    expect(expiredPart(chainWith(late, early), micros(middle))).to.equal("capabilities")
    expect(expiredPart(chainWith(late, early, undefined), micros(middle))).to.equal(undefined)
  })
})

describe("eatp: expiry boundaries", () => {
  const END = NOW + 1_000_001n

  it("include the last microsecond of validity, and the first of a revocation", () => {
    expect([isExpired(END, END), isExpired(END, END + 1n)]).to.deep.equal([false, true])
    expect([isEffective(END, END - 1n), isEffective(END, END)]).to.deep.equal([false, true])
    for (const unset of [undefined, null])
      expect([isExpired(unset, END), isEffective(unset, END)]).to.deep.equal([false, false])
    expect(isInForce({ active: true }, END)).to.equal(true)
    expect(isInForce({ active: false }, END)).to.equal(false)
    expect(isInForce({ active: true, expiresAt: END }, END)).to.equal(true)
    expect(isInForce({ active: true, expiresAt: END }, END + 1n)).to.equal(false)
    expect(isInForce({ active: true, revokesAt: END }, END - 1n)).to.equal(true)
    expect(isInForce({ active: true, revokesAt: END }, END)).to.equal(false)
  })

  it("apply to both ends of a key's window, and to a compromised key", () => {
    const found = (key: object, atMicros: bigint, firstStoredMicros = atMicros) =>
      keysFor({ id: "a", keys: [{ publicKey: "k", ...key }] }, { atMicros, firstStoredMicros }).length
    expect([found({ validUntilMicros: END }, END), found({ validUntilMicros: END }, END + 1n)]).to.eql([1, 0])
    expect([found({ validFromMicros: END }, END), found({ validFromMicros: END }, END - 1n)]).to.eql([1, 0])
    const compromised = { compromisedAtMicros: END }
    expect([found(compromised, END - 1n), found(compromised, END)]).to.eql([1, 0])
    expect([found(compromised, END - 1n, END), found(compromised, END, END - 1n)]).to.eql([0, 0])
  })

  type Expiring = { genesis?: bigint; capability?: bigint; delegation?: bigint }
  const read = { capability: "read_data", capabilityType: CapabilityType.ACCESS }
  const other = { capability: "other", capabilityType: CapabilityType.ACCESS }

  /** An agent of which one record ends, and which keeps an unused capability. */
  async function worldWith({ genesis, capability, delegation }: Expiring): Promise<World> {
    const world = trustWorld()
    await world.establish("top")
    const own = capability === undefined ? [] : [{ ...read, expiresAt: text(capability) }]
    await world.establish("agent", { expiresAt: text(genesis), capabilities: [...own, other] })
    if (delegation !== undefined)
      await world.delegate("top", "agent", { expiresAt: isoFromMicros(delegation) })
    if (capability === undefined) await attestLasting("agent", world)
    return world
  }

  /** Adds a capability that lasts. */
  async function attestLasting(agentId: string, world: World): Promise<void> {
    const attestation = { agentId, attesterId: "org-a", capabilities: [read] }
    world.keep(await attest(attestation, world, world.maker()))
  }

  const cases: [what: string, expiring: Expiring, quick: string | undefined, standard: string][] = [
    ["the genesis record", { genesis: END }, "TRUST_CHAIN_EXPIRED", "CONSTRAINT_VIOLATION"],
    ["the capability", { capability: END }, undefined, "CAPABILITY_NOT_FOUND"],
    ["the delegation", { delegation: END }, undefined, "DELEGATION_EXPIRED"],
  ]
  for (const [what, expiring, quick, standard] of cases) {
    it(`apply at every level and to CheckAuthority: ${what}`, async () => {
      const world = await worldWith(expiring)
      const reasons = async (nowMicros: bigint) => {
        const verdicts = (["quick", "standard", "full"] as const).map((level) =>
          world.verify("agent", level, { nowMicros }),
        )
        return [
          ...(await Promise.all(verdicts)).map(({ reason }) => reason),
          (await check(world, nowMicros)).reason,
        ]
      }
      expect(await reasons(END)).to.deep.equal([undefined, undefined, undefined, undefined])
      expect(await reasons(END + 1n)).to.deep.equal([quick, standard, standard, standard])
    })
  }

  it("apply to the path above the agent", async () => {
    for (const [expiring, reason] of [
      [{ genesis: END }, "TRUST_CHAIN_EXPIRED"],
      [{ capability: END }, "CAPABILITY_EXPIRED"],
    ] as [Expiring, string][]) {
      const world = await worldWith({})
      await world.delegate("agent", "below")
      // The delegator's chain ends only now: a delegation made after that would end with it.
      world.keep((await worldWith(expiring)).chains.get("agent")?.chain as TrustLineageChain)
      expect((await check(world, END, "below")).authorized).to.equal(true)
      expect((await check(world, END + 1n, "below")).reason).to.equal(reason)
    }
  })

  it("apply to the sources of effective constraints", async () => {
    const world = trustWorld()
    const grant = (constraint: string, end?: bigint) => ({
      ...{ capability: "read_data", capabilityType: CapabilityType.ACCESS, constraints: [constraint] },
      expiresAt: text(end),
    })
    await world.establish("agent", { capabilities: [grant("short", END), grant("long")] })
    const constraintsAt = async (nowMicros: bigint) =>
      (await world.verify("agent", "full", { nowMicros })).effectiveConstraints
    expect(await constraintsAt(END)).to.deep.equal(["long", "short"])
    expect(await constraintsAt(END + 1n)).to.deep.equal(["long"])
  })

  it("allow records to be created until the last microsecond", async () => {
    const world = trustWorld(END)
    await world.establish("agent", { expiresAt: isoFromMicros(END) })
    await world.delegate("agent", "below")
    const failure = await world
      .establish("late", { expiresAt: isoFromMicros(END - 1n) })
      .catch((error: { code: string }) => error.code)
    expect(failure).to.equal("EXPIRED")
  })

  function check(world: World, nowMicros: bigint, agentId = "agent") {
    const input: TrustInput = {
      ...{ request: { agentId, action: "read_data", level: "full" }, nowMicros },
      ...{ chains: world.chains, authorities: world.authorities },
    }
    return checkAuthority(input)
  }

  function text(end: bigint | undefined): string | undefined {
    return end === undefined ? undefined : isoFromMicros(end)
  }
})

function micros(text: string): bigint {
  return parseTime(text)?.utcMicros as bigint
}
