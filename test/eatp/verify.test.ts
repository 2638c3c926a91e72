import {
  type AgentRevocations,
  type AuthorityKey,
  appendRevocation,
  audit,
  delegationProblems,
  headPayload,
  JsonObject,
  keysFor,
  type RevocationEvent,
  revocationLedgerTip,
  type SignedLedger,
  signLedgerText,
} from "@trust-registry/eatp"
import { CapabilityType, type TrustLineageChain } from "@trust-registry/proto"
import { expect } from "chai"
import { days, NOW, signerOf, trustWorld, type World } from "../support/trustWorld.js"

const DAY = 86_400_000_000n

describe("verifyTrust", () => {
  let world: World
  beforeEach(async () => {
    world = trustWorld()
    await world.establish("ana")
    await world.delegate("ana", "bob")
    await world.delegate("bob", "carl")
  })

  it("supports three levels, and returns the reason as a code and as text", async () => {
    expect(await world.verify("carl", "quick")).to.deep.equal({
      ...{ valid: true, level: "quick", effectiveConstraints: [], violations: [], unenforcedConstraints: [] },
    })
    for (const level of ["standard", "full"] as const) {
      expect((await world.verify("carl", level)).valid).to.equal(true)
      expect(await world.verify("carl", level, {}, "pay")).to.deep.include({
        ...{
          valid: false,
          reason: "CAPABILITY_NOT_FOUND",
          reasonText: "No capability found for action 'pay'",
        },
      })
    }
    expect((await world.verify("nobody")).reason).to.equal("NO_TRUST_CHAIN")
  })

  it("denies without the authority", async () => {
    world.authorities.delete("org-a")
    expect((await world.verify("carl", "quick")).valid).to.equal(true)
    expect((await world.verify("carl", "standard")).reason).to.equal("AUTHORITY_UNKNOWN")
    const options = { allowUnsignedChainState: true }
    const chain = chainOf("carl")
    delete chain.chainStateSignature
    expect((await world.verify("carl", "full", { options })).reasonText).to.equal(
      "Signing authority unresolved — constraints untrusted",
    )
  })

  it("denies all descendants of an agent that is not in force, at every level", async () => {
    world.chains.set("ana", { chain: chainOf("ana"), active: false })
    for (const level of ["quick", "standard", "full"] as const) {
      expect((await world.verify("carl", level)).reason).to.equal("DELEGATOR_INACTIVE")
    }
    expect((await world.verify("bob")).reason).to.equal("DELEGATOR_NOT_FOUND")
  })

  it("needs a delegator's chain only at FULL", async () => {
    world.chains.delete("bob")
    expect((await world.verify("carl", "standard")).valid).to.equal(true)
    expect((await world.verify("carl")).reasonText).to.equal("Delegator chain not found: bob")
  })

  it("respects the registry's revocations of agents, delegations and capabilities", async () => {
    const revoke = (agentId: string, revoked: AgentRevocations) => ({
      revocations: new Map([[agentId, revoked]]),
    })
    const delegations = new Set([chainOf("carl").delegations[0]?.id ?? ""])
    const capabilities = new Set([chainOf("carl").capabilities[0]?.id ?? ""])
    for (const level of ["quick", "standard", "full"] as const) {
      expect((await world.verify("carl", level, revoke("carl", { agent: true }))).reason).to.equal("REVOKED")
      expect((await world.verify("carl", level, revoke("carl", { delegations }))).reason).to.equal("REVOKED")
      expect((await world.verify("carl", level, revoke("ana", { agent: true }))).reason).to.equal(
        "DELEGATOR_INACTIVE",
      )
    }
    expect((await world.verify("carl", "full", revoke("carl", { capabilities }))).reason).to.equal(
      "CAPABILITY_REVOKED",
    )
    expect((await world.verify("carl", "full", revoke("bob", { capabilities }))).valid).to.equal(true)
  })

  it("denies if the capability's delegation has expired, unless another one delegates it too", async () => {
    const later = { nowMicros: NOW + 2n * DAY }
    await world.establish("dora")
    await world.delegate("ana", "dora", { expiresAt: days(1) })
    expect((await world.verify("dora", "standard")).valid).to.equal(true)
    expect((await world.verify("dora", "standard", later)).reason).to.equal("DELEGATION_EXPIRED")
    await world.delegate("ana", "dora", { taskId: "task-2", expiresAt: days(3) })
    expect((await world.verify("dora", "full", later)).valid).to.equal(true)
    expect((await world.verify("dora", "full", { nowMicros: NOW + 4n * DAY })).reason).to.equal(
      "DELEGATION_EXPIRED",
    )
  })

  it("reads current_time from text with its own offset, and denies an invalid time", async () => {
    await world.establish("dora", { constraints: ["business_hours_only"] })
    const at = (time: string) => {
      const context = new JsonObject([["current_time", time]])
      const request = { agentId: "dora", action: "read_data", level: "standard", context } as const
      return world.verify("dora", "standard", { request })
    }
    expect((await at("2026-09-01T10:00:00+05:30")).valid).to.equal(true)
    expect((await at("2026-09-01T17:00:00Z")).violations[0]?.reason).to.equal(
      "Action not permitted outside business hours (current hour: 17)",
    )
    expect((await at("noon")).reason).to.equal("CONSTRAINT_VIOLATION")
    expect((await world.verify("dora", "standard", { nowMicros: NOW + DAY / 2n })).valid).to.equal(false)
  })

  it("denies what cannot be evaluated", async () => {
    await world.establish("dora", { metadataJson: '{"constraints":7}' })
    expect((await world.verify("dora")).reason).to.equal("EVALUATION_FAILED")
    await world.establish("eve", { metadataJson: "null" })
    expect((await world.verify("eve")).reason).to.equal("EVALUATION_FAILED")
  })

  it("does not block the event loop while verifying a long chain", async () => {
    const capabilities = Array.from({ length: 400 }, (_, at) => ({
      capability: `cap_${at}`,
      capabilityType: CapabilityType.ACCESS,
    }))
    await world.establish("dora", { capabilities })
    let turns = 0
    let running = true
    const count = () => {
      turns++
      if (running) setImmediate(count)
    }
    setImmediate(count)
    expect((await world.verify("dora", "full", {}, "cap_399")).valid).to.equal(true)
    running = false
    expect(turns).to.be.greaterThan(5)
  })

  describe("with key changes", () => {
    it("verifies old records after a rotation, and new ones only with the new key", async () => {
      rotate(world, { validUntilMicros: NOW }, { validFromMicros: NOW + 1n })
      expect((await world.verify("carl")).valid).to.equal(true)
      rotate(world, { validUntilMicros: NOW - 1n }, { validFromMicros: NOW })
      expect((await world.verify("carl")).reason).to.equal("CHAIN_STATE_SIGNATURE_INVALID")
    })

    it("verifies nothing with a revoked key", async () => {
      rotate(world, { revoked: true }, {})
      expect((await world.verify("carl")).valid).to.equal(false)
    })

    it("verifies with a compromised key only what was dated and stored before", async () => {
      rotate(world, { compromisedAtMicros: NOW + 1n }, {})
      expect((await world.verify("carl")).valid).to.equal(false)
      expect((await world.verify("carl", "full", { firstStored: () => NOW })).reasonText).to.equal(undefined)
      expect((await world.verify("carl", "full", { firstStored: () => NOW + 1n })).valid).to.equal(false)
      rotate(world, { compromisedAtMicros: NOW }, {})
      expect((await world.verify("carl", "full", { firstStored: () => NOW - 1n })).valid).to.equal(false)
    })

    it("applies a naive date only to keys without a window", () => {
      const keys = [{ publicKey: "open" }, { publicKey: "bounded", validFromMicros: 0n }]
      expect(keysFor({ id: "org", keys }, { atMicros: undefined })).to.deep.equal([keys[0]])
    })
  })

  describe("with a signed ledger", () => {
    it("denies agents that the ledger names, and everyone if the ledger is invalid", async () => {
      const event = (delegationId: string, epoch: bigint): RevocationEvent => ({
        ...{ delegationId, epoch, revokedAt: "2026-08-01T00:00:00.000000000Z" },
      })
      const events = appendRevocation([event("nobody", 1n)], event("carl", 2n))
      const ledger = await signedLedger(events)
      expect((await world.verify("bob", "quick", { ledger })).valid).to.equal(true)
      expect((await world.verify("carl", "quick", { ledger })).reason).to.equal("REVOKED")
      const cut = { ...ledger, events: events.slice(1) }
      expect((await world.verify("bob", "full", { ledger: cut })).reason).to.equal("REVOCATION_UNVERIFIABLE")
      const seen = { ...ledger, highWater: { epoch: 3n } }
      expect((await world.verify("bob", "full", { ledger: seen })).reasonText).to.contain("anti-rollback")
    })
  })

  it("detects a changed audit anchor, at FULL", async () => {
    world.keep(await audit({ agentId: "carl", action: "read_data" }, world, world.maker()))
    const anchor = chainOf("carl").auditAnchors[0]
    if (anchor !== undefined) anchor.action = "nothing"
    expect((await world.verify("carl", "standard")).valid).to.equal(true)
    expect((await world.verify("carl")).reason).to.equal("AUDIT_SIGNATURE_INVALID")
  })

  function chainOf(agentId: string): TrustLineageChain {
    return world.chains.get(agentId)?.chain as TrustLineageChain
  }
})

describe("delegationProblems", () => {
  const links = (text: string) =>
    text.split(" ").map((pair) => {
      const [id = "", parentDelegationId] = pair.split("<")
      return { id, parentDelegationId }
    })
  const kinds = (text: string, maxDepth?: number) =>
    delegationProblems(links(text), maxDepth).map(({ index, kind }) => `${index} ${kind}`)

  it("checks all leaves, and reports each invalid delegation", () => {
    expect(kinds("a b<a c<b d")).to.deep.equal([])
    expect(kinds("a b<c c<b d<c e")).to.deep.equal(["1 cycle", "2 cycle", "3 cycle"])
    expect(kinds("a b<ghost c<b")).to.deep.equal(["1 dangling_parent"])
    expect(kinds("a b<a c<b x", 2)).to.deep.equal(["2 depth"])
    expect(kinds("c<b b<a a", 2)).to.deep.equal(["0 depth"])
  })

  it("takes time proportional to their number", () => {
    const long = Array.from({ length: 50_000 }, (_, at) => ({
      id: `d${at}`,
      ...(at === 0 ? {} : { parentDelegationId: `d${at - 1}` }),
    }))
    expect(delegationProblems(long.reverse())).to.have.length(50_000 - 10)
  })
})

function rotate(world: World, old: Partial<AuthorityKey>, next: Partial<AuthorityKey>): void {
  const keys = [
    { publicKey: signerOf("org-a").publicKey, ...old },
    { publicKey: signerOf("the next key").publicKey, ...next },
  ]
  world.authorities.set("org-a", { id: "org-a", keys })
}

async function signedLedger(events: RevocationEvent[]): Promise<SignedLedger> {
  const owner = signerOf("the owner")
  const head = {
    epoch: 2n,
    blockCount: 2n,
    tipHash: "ab".repeat(32),
    revocationLedgerTip: revocationLedgerTip(events),
    signedAt: "2026-08-01T00:00:01.000000000Z",
  }
  const headSignature = await signLedgerText(owner, headPayload(head))
  const ownerPublicKey = Buffer.from(owner.publicKey, "base64").toString("hex")
  return { events, head, headSignature, ownerPublicKey }
}
