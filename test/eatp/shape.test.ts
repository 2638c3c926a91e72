import { create, fromBinary, toBinary } from "@bufbuild/protobuf"
import {
  chainFromDocument,
  checkShape,
  DEFAULT_LIMITS,
  documentFromChain,
  effectiveExpiry,
} from "@trust-registry/eatp"
import { TrustLineageChainSchema } from "@trust-registry/proto"
import { expect } from "chai"
import fc from "fast-check"
import { registryChains } from "../support/registryChains.js"
import {
  CONSTRAINT,
  capability,
  chainWithGenesis,
  constraint,
  delegation,
  envelope,
  fields,
  genesis,
  HASH,
  type Init,
  META,
  many,
  metadata,
  micros,
  policy,
  reasoning,
  signers,
  soundAnchor,
  soundCapability,
  soundConstraint,
  soundDelegation,
  TRACE,
} from "../support/shapedChain.js"

describe("eatp: the shape of a chain", () => {
  it("is valid for the chains of a registry", () => {
    for (const { document } of registryChains()) {
      expect(
        checkShape(chainFromDocument(document).chain, DEFAULT_LIMITS, micros("2026-11-01T00:00:00Z")),
      ).to.deep.equal([])
    }
  })

  it("is valid for a chain with only a genesis record", () => {
    expect(checkShape(create(TrustLineageChainSchema, { genesis }))).to.deep.equal([])
  })

  it("reports a missing genesis, and checks the rest", () => {
    const chain = create(TrustLineageChainSchema, { capabilities: [{ ...soundCapability, id: "" }] })
    expect(fields(checkShape(chain))).to.have.members(["chain.genesis", "chain.capabilities[0].id"])
  })

  it("is valid exactly at each limit", () => {
    const within: Partial<Init>[] = [
      { genesis: { ...genesis, id: "i".repeat(512) } },
      { capabilities: many(1000, soundCapability), delegations: many(1000, soundDelegation) },
      { auditAnchors: many(2000, soundAnchor) },
      metadata(`{"a":${"[".repeat(63)}${"]".repeat(63)}}`),
      metadata('{"a":"\\ud834\\udd1e","\\\\u0000":"\\\\ud800"}'),
      metadata("null"),
      reasoning({ decision: "𝄞".repeat(10_000), confidenceJson: "1.0", evidenceJson: "[]" }),
      reasoning({ confidenceJson: "0" }),
      signers(policy(2)),
      constraint({ valueJson: "null" }),
      delegation({ delegatedAt: "2026-01-01" }),
    ]
    for (const change of within) {
      expect(checkShape(chainWithGenesis(change))).to.deep.equal([])
    }
  })

  it("must match a given constraint hash", () => {
    const constraints = [{ ...soundConstraint, valueJson: '{"b":1.0,"a":"é"}' }]
    const [violation] = checkShape(
      chainWithGenesis(envelope({ activeConstraints: constraints, constraintHash: "00" })),
    )
    expect(violation?.field).to.equal(HASH)
    const expected = /[0-9a-f]{64}/.exec(violation?.description ?? "")?.[0] as string
    const sound = envelope({ activeConstraints: constraints, constraintHash: expected })
    expect(checkShape(chainWithGenesis(sound))).to.deep.equal([])
  })

  it("is measured as encoded protobuf", () => {
    const text = (length: number) => ({ genesis: { ...genesis, signature: "s".repeat(length) } })
    const overhead =
      toBinary(TrustLineageChainSchema, create(TrustLineageChainSchema, text(1_000_000))).byteLength -
      1_000_000
    const most = DEFAULT_LIMITS.maxChainBytes - overhead
    expect(checkShape(create(TrustLineageChainSchema, text(most)))).to.deep.equal([])
    const violations = checkShape(create(TrustLineageChainSchema, text(most + 1)))
    expect(violations).to.deep.equal([
      { field: "chain", description: "is 1048577 bytes long; at most 1048576" },
    ])
  })

  it("has unknown fields reported at any depth", () => {
    const unknown = [{ no: 99, wireType: 0, data: new Uint8Array([1]) }]
    const chain = chainWithGenesis({
      ...reasoning({}),
      ...envelope({ activeConstraints: [soundConstraint] }),
    })
    chain.$unknown = unknown
    ;(chain.delegations[0]?.reasoningTrace as { $unknown?: unknown }).$unknown = unknown
    ;(chain.constraintEnvelope?.activeConstraints[0] as { $unknown?: unknown }).$unknown = unknown
    const violations = checkShape(
      fromBinary(TrustLineageChainSchema, toBinary(TrustLineageChainSchema, chain)),
    )
    expect(fields(violations)).to.have.members(["chain", TRACE, CONSTRAINT])
    for (const { description } of violations) expect(description).to.contain("99")
  })

  it("can be validated with other limits", () => {
    const limits = { ...DEFAULT_LIMITS, maxCapabilities: 1, maxIdBytes: 4, maxJsonDepth: 1 }
    const chain = create(TrustLineageChainSchema, {
      genesis: { ...genesis, id: "longer", metadataJson: '{"a":[]}' },
      capabilities: many(2, { ...soundCapability, attesterId: "o" }),
    })
    const found = fields(checkShape(chain, limits))
    expect(found).to.include.members(["chain.genesis.id", META, "chain.capabilities"])
  })

  it("has at most 1,000 violations reported", () => {
    const chain = create(TrustLineageChainSchema, { genesis, capabilities: many(1000, {}) })
    expect(checkShape(chain)).to.have.length(1000)
  })

  it("has expiry validated at the given time, or not at all without one", () => {
    const end = "2026-06-01T00:00:00+00:00"
    const byGenesis = create(TrustLineageChainSchema, { genesis: { ...genesis, expiresAt: end } })
    const byCapabilities = chainWithGenesis(capability({ expiresAt: end }))
    expect(checkShape(byGenesis)).to.deep.equal([])
    expect(checkShape(byGenesis, DEFAULT_LIMITS, micros(end))).to.deep.equal([])
    const late = micros(end) + 1n
    expect(fields(checkShape(byGenesis, DEFAULT_LIMITS, late))).to.deep.equal(["chain.genesis.expires_at"])
    expect(fields(checkShape(byCapabilities, DEFAULT_LIMITS, late))).to.deep.equal(["chain.capabilities"])
    for (const chain of [byGenesis, byCapabilities]) {
      expect(checkShape(chain, DEFAULT_LIMITS, late)[0]?.description).to.contain("expired")
    }
  })

  it("is validated without throwing, whatever the message", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("", "a", "\ud800", "\0", "{}", "[", "2026-01-01", "1e999"),
    )
    const number = fc.integer({ min: -5, max: 50 })
    const record = fc.record({
      id: text,
      agentId: text,
      constraintType: number,
      valueJson: text,
      priority: fc.bigInt({ min: -5n, max: 5n }),
    })
    const init = fc.record({
      genesis: fc.option(
        fc.record({
          agentId: text,
          authorityType: number,
          createdAt: text,
          expiresAt: text,
          metadataJson: text,
        }),
        { nil: undefined },
      ),
      constraintEnvelope: fc.record({
        agentId: text,
        activeConstraints: fc.array(record),
        constraintHash: text,
      }),
      delegations: fc.array(
        fc.record({
          id: text,
          dimensionScope: fc.array(number),
          multiSig: fc.boolean(),
          reasoningTrace: fc.record({ evidenceJson: text, confidenceJson: text }),
        }),
      ),
    })
    fc.assert(
      fc.property(init, (fields) => {
        const chain = create(TrustLineageChainSchema, fields as Init)
        expect(checkShape(chain, DEFAULT_LIMITS, 0n)).to.be.an("array")
        expect(effectiveExpiry(chain) ?? 0n).to.be.a("bigint")
      }),
    )
  })

  it("is that of a document that can be read back, if valid", () => {
    const chain = chainWithGenesis({ ...signers(policy(1)), ...capability({}) })
    expect(checkShape(chain)).to.deep.equal([])
    expect(checkShape(chainFromDocument(documentFromChain(chain)).chain)).to.deep.equal([])
  })
})
