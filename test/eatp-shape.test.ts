import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf"
import {
  chainFromDocument,
  checkShape,
  DEFAULT_LIMITS,
  documentFromChain,
  effectiveExpiry,
  expiredPart,
  parseTime,
  type Violation,
} from "@trust-registry/eatp"
import {
  ActionResult,
  AuthorityType,
  CapabilityType,
  ConfidentialityLevel,
  ConstraintDimension,
  ConstraintType,
  type TrustLineageChain,
  TrustLineageChainSchema,
} from "@trust-registry/proto"
import { expect } from "chai"
import fc from "fast-check"
import { registryChains } from "./support/registryChains.js"

type Init = MessageInitShape<typeof TrustLineageChainSchema>

const META = "chain.genesis.metadata_json"
const POLICY = "chain.delegations[0].multi_sig_policy"
const TRACE = "chain.delegations[0].reasoning_trace"
const HASH = "chain.constraint_envelope.constraint_hash"
const CONSTRAINT = "chain.constraint_envelope.active_constraints[0]"
const V3 = { signingPayloadVersion: "v3-complete" }

const genesis = {
  id: "g",
  agentId: "a",
  authorityId: "o",
  authorityType: AuthorityType.HUMAN,
  createdAt: "2026-01-01T00:00:00",
}
const soundCapability = {
  id: "c",
  capability: "read",
  capabilityType: CapabilityType.ACCESS,
  attesterId: "o",
  attestedAt: "2026-01-01",
}
const soundDelegation = {
  id: "d",
  delegatorId: "b",
  delegateeId: "a",
  taskId: "t",
  delegatedAt: "2026-01-01T00:00:00+00:00",
}
const soundAnchor = { id: "n", agentId: "a", timestamp: "2026-01-01", result: ActionResult.SUCCESS }
const soundTrace = { confidentiality: ConfidentialityLevel.SECRET, timestamp: "2026-01-01" }
const soundConstraint = { id: "k", constraintType: ConstraintType.TEMPORAL, valueJson: "1" }

describe("eatp: the shape of a chain", () => {
  it("finds nothing wrong with the chains of a registry", () => {
    for (const { document } of registryChains()) {
      expect(
        checkShape(chainFromDocument(document).chain, DEFAULT_LIMITS, micros("2026-11-01T00:00:00Z")),
      ).to.deep.equal([])
    }
  })

  it("finds nothing wrong with a chain of one genesis record", () => {
    expect(checkShape(create(TrustLineageChainSchema, { genesis }))).to.deep.equal([])
  })

  const wrong: [what: string, change: Partial<Init>, field: string, text?: string][] = [
    ["no agent id", { genesis: { ...genesis, agentId: "" } }, "chain.genesis.agent_id", "512"],
    ["an id of 513 bytes", { genesis: { ...genesis, id: "i".repeat(513) } }, "chain.genesis.id", "512"],
    [
      "an id of 171 characters of 3 bytes",
      { genesis: { ...genesis, id: "漢".repeat(171) } },
      "chain.genesis.id",
      "513",
    ],
    ["no authority id", { genesis: { ...genesis, authorityId: "" } }, "chain.genesis.authority_id"],
    [
      "no authority type",
      { genesis: { ...genesis, authorityType: 0 } },
      "chain.genesis.authority_type",
      "human",
    ],
    [
      "an unknown enum number",
      { genesis: { ...genesis, authorityType: 99 as AuthorityType } },
      "chain.genesis.authority_type",
    ],
    ["no time", { genesis: { ...genesis, createdAt: "" } }, "chain.genesis.created_at", "time"],
    ["a time that is none", { genesis: { ...genesis, createdAt: "2026-02-30" } }, "chain.genesis.created_at"],
    [
      "a naive expiry",
      { genesis: { ...genesis, expiresAt: "2036-01-01T00:00:00" } },
      "chain.genesis.expires_at",
      "offset",
    ],
    ["U+0000", { genesis: { ...genesis, signature: "a\0b" } }, "chain.genesis.signature", "U+0000"],
    ["a lone surrogate", { genesis: { ...genesis, id: "\ud800" } }, "chain.genesis.id", "surrogate"],
    [
      "a surrogate in a time",
      { genesis: { ...genesis, createdAt: "2026-01-01\ud80000:00" } },
      "chain.genesis.created_at",
    ],
    ["metadata that is a list", metadata("[]"), META, "object or null"],
    ["metadata that is no JSON", metadata("{'a':1}"), META, "line 1 column 2"],
    ["metadata that is empty", metadata(""), META],
    ["a repeated key", metadata('{"a":1,"a":1}'), META, 'Repeated key "a"'],
    ["U+0000 escaped in a value", metadata('{"a":"x\\u0000"}'), META, "U+0000"],
    ["U+0000 escaped in a key", metadata('{"a":[{"\\u0000":1}]}'), META, "U+0000"],
    ["a lone surrogate escaped", metadata('{"a":["\\uD800"]}'), META, "surrogate"],
    ["a lone surrogate in JSON text", metadata('{"a":"\ud800"}'), META, "surrogate"],
    ["depth 65", metadata(`{"a":${"[".repeat(64)}${"]".repeat(64)}}`), META, "64"],
    ["a number beyond a double", metadata('{"a":1e400}'), META, "double"],
    ["an integer beyond Python", metadata(`{"a":${"1".repeat(4301)}}`), META, "4300 digits"],
    ["a scope that is text", capability({ scopeJson: '"x"' }), "chain.capabilities[0].scope_json"],
    ["no capability type", capability({ capabilityType: 0 }), "chain.capabilities[0].capability_type"],
    [
      "a naive expiry of a capability",
      capability({ expiresAt: "2036-01-01" }),
      "chain.capabilities[0].expires_at",
    ],
    ["U+0000 in a list", capability({ constraints: ["a", "\0"] }), "chain.capabilities[0].constraints[1]"],
    [
      "a repeated capability id",
      { capabilities: [soundCapability, soundCapability] },
      "chain.capabilities[1].id",
      "capabilities[0]",
    ],
    [
      "a repeated delegation id",
      { delegations: [soundDelegation, soundDelegation] },
      "chain.delegations[1].id",
    ],
    ["a repeated anchor id", { auditAnchors: [soundAnchor, soundAnchor] }, "chain.audit_anchors[1].id"],
    ["1,001 capabilities", { capabilities: many(1001, soundCapability) }, "chain.capabilities", "1000"],
    ["1,001 delegations", { delegations: many(1001, soundDelegation) }, "chain.delegations", "1000"],
    ["2,001 anchors", { auditAnchors: many(2001, soundAnchor) }, "chain.audit_anchors", "2000"],
    [
      "another agent's envelope",
      envelope({ agentId: "b" }),
      "chain.constraint_envelope.agent_id",
      "genesis.agent_id",
    ],
    [
      "another agent's anchor",
      { auditAnchors: [{ ...soundAnchor, agentId: "b" }] },
      "chain.audit_anchors[0].agent_id",
    ],
    ["a delegation to another", delegation({ delegateeId: "b" }), "chain.delegations[0].delegatee_id"],
    ["an empty parent", delegation({ parentDelegationId: "" }), "chain.delegations[0].parent_delegation_id"],
    [
      "an empty id on the way",
      delegation({ delegationChain: ["a", ""] }),
      "chain.delegations[0].delegation_chain[1]",
    ],
    [
      "a naive time of an engine delegation",
      delegation({ signingPayloadVersion: "v2-complete", delegatedAt: "2026-01-01" }),
      "chain.delegations[0].delegated_at",
    ],
    [
      "an unknown dimension",
      delegation({ dimensionScope: [ConstraintDimension.FINANCIAL, 9] }),
      "chain.delegations[0].dimension_scope[1]",
    ],
    ["a dimension twice", delegation({ dimensionScope: [1, 2, 1] }), "chain.delegations[0].dimension_scope"],
    ["several signers without policy", delegation({ ...V3, multiSig: true }), `${POLICY}`],
    [
      "a policy without several signers",
      delegation({ ...V3, multiSigPolicy: policy(1) }),
      "chain.delegations[0].multi_sig",
    ],
    [
      "several signers in an older version",
      delegation({ ...V3, multiSig: true, multiSigPolicy: policy(1), signingPayloadVersion: "v2-complete" }),
      "chain.delegations[0].signing_payload_version",
      "v3-complete",
    ],
    ["a threshold of 0", signers(policy(0)), `${POLICY}.threshold`, "2"],
    ["a threshold over the signers", signers(policy(3)), `${POLICY}.threshold`, "2"],
    ["no signers", signers({ threshold: 1n, authorizedSigners: [] }), `${POLICY}.authorized_signers`],
    [
      "a short key",
      signers({ threshold: 1n, authorizedSigners: ["ab"] }),
      `${POLICY}.authorized_signers[0]`,
      "64",
    ],
    [
      "a signer twice",
      signers({ threshold: 1n, authorizedSigners: ["AB".repeat(32), "ab".repeat(32)] }),
      `${POLICY}.authorized_signers[1]`,
    ],
    [
      "a decision of 10,001 characters",
      reasoning({ decision: "𝄞".repeat(10_001) }),
      `${TRACE}.decision`,
      "10000",
    ],
    ["a rationale of 50,001", reasoning({ rationale: "r".repeat(50_001) }), `${TRACE}.rationale`],
    ["a methodology of 1,001", reasoning({ methodology: "m".repeat(1_001) }), `${TRACE}.methodology`],
    [
      "101 alternatives",
      reasoning({ alternativesConsidered: Array(101).fill("a") }),
      `${TRACE}.alternatives_considered`,
    ],
    [
      "an alternative of 5,001",
      reasoning({ alternativesConsidered: ["a".repeat(5_001)] }),
      `${TRACE}.alternatives_considered[0]`,
    ],
    ["no confidentiality", reasoning({ confidentiality: 0 }), `${TRACE}.confidentiality`],
    ["evidence that is an object", reasoning({ evidenceJson: "{}" }), `${TRACE}.evidence_json`],
    ["evidence that is text", reasoning({ evidenceJson: '[{},"x"]' }), `${TRACE}.evidence_json`],
    [
      "101 pieces of evidence",
      reasoning({ evidenceJson: `[${Array(101).fill("{}")}]` }),
      `${TRACE}.evidence_json`,
      "100",
    ],
    ["confidence over 1", reasoning({ confidenceJson: "1.0000001" }), `${TRACE}.confidence_json`],
    ["confidence as text", reasoning({ confidenceJson: '"0.5"' }), `${TRACE}.confidence_json`],
    [
      "a naive end of the envelope",
      envelope({ validUntil: "2036-01-01" }),
      "chain.constraint_envelope.valid_until",
    ],
    ["a hash that is not the constraints'", envelope({ constraintHash: "00".repeat(32) }), HASH, "empty"],
    ["a constraint without value", constraint({ valueJson: "" }), `${CONSTRAINT}.value_json`],
    ["a constraint without type", constraint({ constraintType: 0 }), `${CONSTRAINT}.constraint_type`],
    [
      "context that is a number",
      { auditAnchors: [{ ...soundAnchor, contextJson: "1" }] },
      "chain.audit_anchors[0].context_json",
    ],
    ["no result", { auditAnchors: [{ ...soundAnchor, result: 0 }] }, "chain.audit_anchors[0].result"],
  ]
  for (const [what, change, field, text] of wrong) {
    it(`names ${field} for ${what}`, () => {
      const violations = checkShape(chainWithGenesis(change))
      expect(violations.map((violation) => violation.field)).to.deep.equal([field])
      if (text !== undefined) expect(violations[0]?.description).to.contain(text)
    })
  }

  it("names a missing genesis and checks the rest", () => {
    const chain = create(TrustLineageChainSchema, { capabilities: [{ ...soundCapability, id: "" }] })
    expect(fields(checkShape(chain))).to.have.members(["chain.genesis", "chain.capabilities[0].id"])
  })

  it("takes what lies just within each limit", () => {
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

  it("compares a hash that is given with the constraints' own", () => {
    const constraints = [{ ...soundConstraint, valueJson: '{"b":1.0,"a":"é"}' }]
    const [violation] = checkShape(
      chainWithGenesis(envelope({ activeConstraints: constraints, constraintHash: "00" })),
    )
    expect(violation?.field).to.equal(HASH)
    const expected = /[0-9a-f]{64}/.exec(violation?.description ?? "")?.[0] as string
    const sound = envelope({ activeConstraints: constraints, constraintHash: expected })
    expect(checkShape(chainWithGenesis(sound))).to.deep.equal([])
  })

  it("measures the chain as protobuf", () => {
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

  it("finds unknown fields at any depth", () => {
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

  it("takes other limits", () => {
    const limits = { ...DEFAULT_LIMITS, maxCapabilities: 1, maxIdBytes: 4, maxJsonDepth: 1 }
    const chain = create(TrustLineageChainSchema, {
      genesis: { ...genesis, id: "longer", metadataJson: '{"a":[]}' },
      capabilities: many(2, { ...soundCapability, attesterId: "o" }),
    })
    const found = fields(checkShape(chain, limits))
    expect(found).to.include.members(["chain.genesis.id", META, "chain.capabilities"])
  })

  it("names at most 1,000 violations", () => {
    const chain = create(TrustLineageChainSchema, { genesis, capabilities: many(1000, {}) })
    expect(checkShape(chain)).to.have.length(1000)
  })

  it("judges expiry by the time it is told, and not at all without one", () => {
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

  it("never throws, whatever the message", () => {
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

  it("gives a sound chain a document and reads it back", () => {
    const chain = chainWithGenesis({ ...signers(policy(1)), ...capability({}) })
    expect(checkShape(chain)).to.deep.equal([])
    expect(checkShape(chainFromDocument(documentFromChain(chain)).chain)).to.deep.equal([])
  })
})

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
    ["only the request's", chainWith(undefined), early, early],
    ["only the genesis record's", chainWith(middle), undefined, middle],
    ["the earlier of both", chainWith(late), middle, middle],
    ["the last capability's, where all expire", chainWith(undefined, early, middle), undefined, middle],
    ["one capability lasts", chainWith(undefined, early, undefined), undefined, undefined],
    ["the earliest of three", chainWith(late, early, middle), late, middle],
    ["offsets count", chainWith("2031-01-01T00:00:00+01:00"), middle, "2031-01-01T00:00:00+01:00"],
    ["naive times do not count", chainWith("2020-01-01T00:00:00", "2020-01-01"), late, late],
  ]
  for (const [what, chain, request, expected] of cases) {
    it(`is right: ${what}`, () => {
      const found = effectiveExpiry(chain, request === undefined ? undefined : micros(request))
      expect(found).to.equal(expected === undefined ? undefined : micros(expected))
    })
  }

  it("tells which part has expired", () => {
    expect(expiredPart(chainWith(early, late), micros(middle))).to.equal("genesis")
    expect(expiredPart(chainWith(late, early), micros(middle))).to.equal("capabilities")
    expect(expiredPart(chainWith(late, early, undefined), micros(middle))).to.equal(undefined)
  })
})

function chainWithGenesis(change: object): TrustLineageChain {
  // Spread, the type forgets that this is the initial shape of one message.
  return create(TrustLineageChainSchema, { genesis, ...change } as Init)
}

function fields(violations: Violation[]): string[] {
  return violations.map((violation) => violation.field)
}

function micros(text: string): bigint {
  return parseTime(text)?.utcMicros as bigint
}

function metadata(metadataJson: string): Partial<Init> {
  return { genesis: { ...genesis, metadataJson } }
}

function capability(changes: object): Partial<Init> {
  return { capabilities: [{ ...soundCapability, ...changes }] }
}

function delegation(changes: object): Partial<Init> {
  return { delegations: [{ ...soundDelegation, ...changes }] }
}

function reasoning(changes: object): Partial<Init> {
  return delegation({ reasoningTrace: { ...soundTrace, ...changes } })
}

function envelope(changes: object): Partial<Init> {
  return { constraintEnvelope: { id: "e", agentId: "a", ...changes } }
}

function constraint(changes: object): Partial<Init> {
  return envelope({ activeConstraints: [{ ...soundConstraint, ...changes }] })
}

function policy(threshold: number) {
  return { threshold: BigInt(threshold), authorizedSigners: ["ab".repeat(32), "cd".repeat(32)] }
}

function signers(multiSigPolicy: object): Partial<Init> {
  return delegation({ ...V3, multiSig: true, multiSigPolicy })
}

function many<Item extends object>(count: number, item: Item): (Item & { id: string })[] {
  return Array.from({ length: count }, (_, index) => ({ ...item, id: `id-${index}` }))
}
