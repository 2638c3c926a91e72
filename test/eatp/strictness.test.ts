import { create } from "@bufbuild/protobuf"
import {
  capabilityPayload,
  chainStatePayload,
  checkAuthority,
  checkSignatures,
  DelegationDepthError,
  delegationChain,
  delegationPayload,
  genesisPayload,
  headPayload,
  reasoningPayload,
  revocationLedgerTip,
  signLedgerText,
  signText,
  type TrustInput,
} from "@trust-registry/eatp"
import {
  CapabilityType,
  ConfidentialityLevel,
  ConstraintDimension,
  ConstraintSchema,
  ConstraintType,
  type DelegationRecord,
  ReasoningTraceSchema,
  type TrustLineageChain,
} from "@trust-registry/proto"
import { expect } from "chai"
import { days, NOW, signerOf, trustWorld, type World } from "../support/trustWorld.js"

const ACCESS = { capabilityType: CapabilityType.ACCESS }
const read = { capability: "read_data", ...ACCESS }
const other = { capability: "other", ...ACCESS }

/** Cases in which one missing check, one record too few or the wrong chain would allow too much. */
describe("eatp: trust is denied", () => {
  let world: World
  beforeEach(async () => {
    world = trustWorld()
    await world.establish("top", { capabilities: [read, other] })
    await world.delegate("top", "middle")
    await world.delegate("middle", "agent")
  })
  const chainOf = (agentId: string) => world.chains.get(agentId)?.chain as TrustLineageChain
  const check = (changes: Partial<TrustInput> = {}) =>
    checkAuthority({
      request: { agentId: "agent", action: "read_data", level: "full" },
      ...{ nowMicros: NOW, chains: world.chains, authorities: world.authorities },
      ...changes,
    })
  const sign = async (delegation: DelegationRecord) => {
    delegation.signature = await signText(signerOf("org-a"), delegationPayload(delegation))
  }
  const signState = async (chain: TrustLineageChain) => {
    chain.chainStateSignature = await signText(signerOf("org-a"), chainStatePayload(chain))
  }

  it("if the parent of the only delegation has expired", async () => {
    await world.delegate("top", "child", { capabilities: ["other"], expiresAt: days(1) })
    await world.establish("giver")
    const chain = await world.delegate("giver", "child")
    const [parent, delegation] = chain.delegations
    if (!parent || !delegation) throw new Error("two delegations were made")
    // A capability that lasts, so that only the parent's expiry counts.
    for (const record of [chain.genesis, ...chain.capabilities]) delete record?.expiresAt
    delete delegation.expiresAt
    delegation.parentDelegationId = parent.id
    await sign(delegation)
    world.keep(await resealed(chain))
    const [before, after] = [NOW, NOW + 2n * 86_400_000_000n]
    const verify = (nowMicros: bigint) => world.verify("child", "full", { nowMicros })
    expect((await verify(before)).valid).to.equal(true)
    expect((await verify(after)).reason).to.equal("DELEGATION_EXPIRED")
  })

  /** The chain with all signatures of its genesis record, capabilities and state renewed. */
  async function resealed(chain: TrustLineageChain): Promise<TrustLineageChain> {
    const signer = signerOf("org-a")
    if (chain.genesis) chain.genesis.signature = await signText(signer, genesisPayload(chain.genesis))
    for (const capability of chain.capabilities)
      capability.signature = await signText(
        signer,
        capabilityPayload(capability, chain.genesis?.agentId ?? ""),
      )
    await signState(chain)
    return chain
  }

  it("if the delegations of every source are revoked", async () => {
    const delegations = new Set(chainOf("middle").delegations.map(({ id }) => id))
    const revocations = new Map([["middle", { delegations }]])
    for (const level of ["standard", "full"] as const)
      expect((await world.verify("agent", level, { revocations })).reason).to.equal("CAPABILITY_REVOKED")
  })

  it("if the ledger lists a delegation of the agent", async () => {
    const delegationId = chainOf("agent").delegations[0]?.id ?? ""
    const events = [{ delegationId, epoch: 1n, revokedAt: "2026-08-01T00:00:00.000000000Z" }]
    const head = {
      ...{ epoch: 1n, blockCount: 1n, tipHash: "0".repeat(64), signedAt: "2026-08-01T00:00:00.000000000Z" },
      revocationLedgerTip: revocationLedgerTip(events),
    }
    const owner = signerOf("org-a")
    const headSignature = await signLedgerText(owner, headPayload(head))
    const ownerPublicKey = Buffer.from(owner.publicKey, "base64").toString("hex")
    const ledger = { events, head, headSignature, ownerPublicKey }
    expect((await world.verify("agent", "quick", { ledger })).reason).to.equal("REVOKED")
    expect((await world.verify("middle", "quick", { ledger })).valid).to.equal(true)
  })

  it("if a capability is forged, even one that does not cover the action", async () => {
    await world.establish("two", { capabilities: [read, other] })
    const forged = chainOf("two").capabilities[1]
    if (forged) forged.constraints = ["forged"]
    for (const level of ["standard", "full"] as const)
      expect((await world.verify("two", level)).reasonText).to.equal(
        `Capability signature invalid — constraints untrusted: ${forged?.id}`,
      )
  })

  it("if a signed capability has an unknown version", async () => {
    const chain = chainOf("top")
    const [capability] = chain.capabilities
    if (!capability) throw new Error("there are two")
    capability.signingPayloadVersion = "v9-unknown"
    capability.signature = await signText(signerOf("org-a"), capabilityPayload(capability, "top"))
    expect((await world.verify("top", "standard")).reason).to.equal("CAPABILITY_SIGNATURE_INVALID")
    const options = { allowUnboundLegacyCapabilities: true }
    expect((await world.verify("top", "full", { options })).reason).to.equal("CAPABILITY_SIGNATURE_INVALID")
  })

  it("if only the stored envelope forbids the action", async () => {
    await world.establish("writer", { capabilities: [{ capability: "update_data", ...ACCESS }] })
    const chain = chainOf("writer")
    const constraint = { id: "con-x", constraintType: ConstraintType.OPERATIONAL, valueJson: '"read_only"' }
    chain.constraintEnvelope?.activeConstraints.push(
      create(ConstraintSchema, { ...constraint, source: "policy" }),
    )
    await signState(chain)
    for (const level of ["standard", "full"] as const) {
      const verdict = await world.verify("writer", level, {}, "update_data")
      expect(verdict.violations.map(({ source }) => source)).to.deep.equal(["policy"])
    }
  })

  it("if a delegation names several signers that its version does not sign", async () => {
    const [delegation] = chainOf("agent").delegations
    if (delegation) delegation.multiSig = true
    expect((await world.verify("agent")).reason).to.equal("DELEGATION_UNSIGNABLE")
  })

  it("if the chain of a delegator belongs to another agent", async () => {
    world.chains.set("middle", { chain: chainOf("top"), active: true })
    expect((await world.verify("agent")).reason).to.equal("DELEGATOR_NOT_FOUND")
    const { reason, path } = await check()
    expect([reason, path[0]?.kind, path[0]?.detail]).to.deep.equal([
      "DELEGATOR_NOT_FOUND",
      "DELEGATION",
      "the chain of its delegator is not known",
    ])
  })

  it("if a signed reasoning trace differs from the one that its record signs", async () => {
    const trace = create(ReasoningTraceSchema, {
      ...{ decision: "delegate", rationale: "needed", timestamp: days(0) },
      confidentiality: ConfidentialityLevel.PUBLIC,
    })
    const chain = await world.delegate("top", "reasoned", { reasoningTrace: trace })
    expect((await world.verify("reasoned")).valid).to.equal(true)
    const [delegation] = chain.delegations
    if (!delegation) throw new Error("there is one")
    const swapped = { ...trace, decision: "another" }
    delegation.reasoningTrace = swapped
    delegation.reasoningSignature = await signText(
      signerOf("org-a"),
      reasoningPayload(swapped, delegation.id),
    )
    expect((await world.verify("reasoned")).reason).to.equal("REASONING_HASH_MISMATCH")
    const { authorities, chains: delegators } = world
    expect((await checkSignatures(chain, { authorities, delegators })).bad).to.deep.equal([
      {
        field: "chain.delegations[0].reasoning_signature",
        description: "its trace does not match reasoning_trace_hash",
      },
    ])
  })

  it("on a path through a delegation to another agent", async () => {
    const [delegation] = chainOf("agent").delegations
    if (!delegation) throw new Error("there is one")
    delegation.delegateeId = "somebody"
    await sign(delegation)
    expect(await check()).to.include({ authorized: false, reason: "PATH_BROKEN" })
  })

  it("on a path through a revoked agent, which the path shows", async () => {
    const { reason, path } = await check({ revocations: new Map([["middle", { agent: true }]]) })
    expect(reason).to.equal("DELEGATOR_INACTIVE")
    expect(path[0]).to.include({ kind: "GENESIS", agentId: "middle", holds: false })
  })

  it("on a path whose delegator has nothing to delegate", async () => {
    const middle = chainOf("middle")
    const { reason, path } = await check({
      chains: new Map([
        ...world.chains,
        ["middle", { chain: { ...middle, capabilities: [] }, active: true }],
      ]),
    })
    expect(reason).to.equal("PATH_BROKEN")
    expect(path[0]).to.include({
      ...{ kind: "DELEGATION", agentId: "agent", holds: false },
      detail: 'its delegator has no capability that covers "read_data"',
    })
  })

  it("but a path may use the other name that a delegation lists", async () => {
    // EATP: "*_d*" covers the name "*_data", which covers "read_data", and yet not "read_data" itself.
    const wide = { capability: "*_d*", ...ACCESS }
    await world.establish("top", { capabilities: [read, wide] })
    world.chains.delete("middle")
    await world.delegate("top", "middle", { capabilities: ["read_data", "*_data"] })
    world.chains.delete("agent")
    await world.delegate("middle", "agent")
    await world.establish("top", { capabilities: [{ ...read, expiresAt: days(1) }, wide] })
    const { authorized, path } = await check({ nowMicros: NOW + 2n * 86_400_000_000n })
    expect(authorized).to.equal(true)
    expect(path[2]?.id).to.equal(chainOf("top").capabilities[1]?.id)
  })

  it("and a delegation with some dimensions is never signed in a form that omits them", async () => {
    const engine = { constraints: {}, resourceLimits: {}, scope: {} }
    const dimensionScope = [ConstraintDimension.FINANCIAL]
    const chain = await world.delegate("top", "narrow", { engine, dimensionScope })
    const [delegation] = chain.delegations
    if (!delegation) throw new Error("there is one")
    expect(delegation.signingPayloadVersion).to.equal("legacy-python-v0")
    expect(delegationPayload(delegation)).to.contain('"dimension_scope":["financial"]')
    for (const signingPayloadVersion of ["v2-complete", "v3-complete"])
      expect(() => delegationPayload({ ...delegation, signingPayloadVersion })).to.throw(
        /dimension_scope is narrowed/,
      )
  })

  it("but not if a key newer than every record signed the chain's state", async () => {
    const chain = chainOf("top")
    const [old, renewed] = [signerOf("org-a"), signerOf("org-a renewed")]
    world.authorities.set("org-a", {
      id: "org-a",
      keys: [
        { publicKey: old.publicKey, validUntilMicros: NOW },
        { publicKey: renewed.publicKey, validFromMicros: NOW + 1n },
      ],
    })
    chain.chainStateSignature = await signText(renewed, chainStatePayload(chain))
    expect((await world.verify("top")).valid).to.equal(true)
  })

  it("but an expired capability of the exact name does not hide a valid pattern", async () => {
    const capabilities = [
      { ...read, expiresAt: days(1) },
      { capability: "read_*", ...ACCESS },
    ]
    const { capabilities: made } = await world.establish("both", { capabilities })
    const at = (nowMicros: bigint) => world.verify("both", "standard", { nowMicros })
    expect((await at(NOW)).capabilityUsed).to.equal(made[0]?.id)
    expect((await at(NOW + 2n * 86_400_000_000n)).capabilityUsed).to.equal(made[1]?.id)
  })

  it("but QUICK requires one signature, not all", async () => {
    const [capability] = chainOf("top").capabilities
    if (capability) capability.signature = ""
    expect((await world.verify("top", "quick")).valid).to.equal(true)
    const chain = chainOf("top")
    for (const record of [chain.genesis, ...chain.capabilities]) if (record) record.signature = ""
    expect((await world.verify("top", "quick")).reason).to.equal("CHAIN_UNSIGNED")
  })

  it("and a line of delegations may have the maximum length, and no more", () => {
    const links = [{ id: "a" }, { id: "b", parentDelegationId: "a" }, { id: "c", parentDelegationId: "b" }]
    expect(delegationChain(links, 3).map(({ id }) => id)).to.deep.equal(["a", "b", "c"])
    expect(() => delegationChain(links, 2)).to.throw(DelegationDepthError)
  })
})
