import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf"
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire"
import * as grpc from "@grpc/grpc-js"
import {
  type AuthorityType,
  StoreChainRequestSchema,
  TrustLineageChainSchema,
  TrustStoreService,
} from "@trust-registry/proto"
import { expect } from "chai"
import { detailsOf, failureOf } from "../support/calls.js"
import { anchor, capability, delegation } from "../support/records.js"
import { sampleChain } from "../support/sample.js"
import { withRegistry } from "../support/withRegistry.js"

type Chain = MessageInitShape<typeof TrustLineageChainSchema>
type Request = MessageInitShape<typeof StoreChainRequestSchema>

/** What is wrong, the field that must be named, and what the description must say. */
type Refusal = [title: string, request: Request, field: string, says: RegExp]

const ID = "bad"
const genesis = (changes: object): Chain => ({ genesis: { ...sampleChain(ID).genesis, ...changes } })
const withRecords = (changes: Chain): Request => ({ chain: { ...sampleChain(ID), ...changes } as Chain })
const metadata = (metadataJson: string): Request => ({ chain: genesis({ metadataJson }) })
const nested = (depth: number) => `{"a":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}}`

const REFUSALS: Refusal[] = [
  ["no chain", {}, "chain", /missing/],
  ["no genesis", { chain: {} }, "chain.genesis", /missing/],
  ["an empty agent_id", { chain: genesis({ agentId: "" }) }, "chain.genesis.agent_id", /empty/],
  [
    "an agent_id of 513 bytes",
    { chain: genesis({ agentId: "é".repeat(256).concat("x") }) },
    "chain.genesis.agent_id",
    /512/,
  ],
  ["an empty authority_id", { chain: genesis({ authorityId: "" }) }, "chain.genesis.authority_id", /empty/],
  ["U+0000 in an id", { chain: genesis({ id: "a\0b" }) }, "chain.genesis.id", /U\+0000/],
  ["U+0000 in JSON text", metadata('{"a":"\\u0000"}'), "chain.genesis.metadata_json", /U\+0000/],
  ["a lone surrogate in JSON text", metadata('{"a":"\\ud800"}'), "chain.genesis.metadata_json", /surrogate/],
  [
    "a lone surrogate as a key in JSON text",
    metadata('{"\\udc00":1}'),
    "chain.genesis.metadata_json",
    /surrogate/,
  ],
  ["JSON text that does not parse", metadata("{a:1}"), "chain.genesis.metadata_json", /JSON/],
  ["JSON text that repeats a key", metadata('{"a":1,"b":2,"a":3}'), "chain.genesis.metadata_json", /"a"/],
  ["JSON text 65 levels deep", metadata(nested(65)), "chain.genesis.metadata_json", /64/],
  ["NaN in JSON text", metadata('{"a":NaN}'), "chain.genesis.metadata_json", /JSON/],
  ["metadata that is not an object", metadata("[1]"), "chain.genesis.metadata_json", /object/],
  [
    "an envelope of another agent",
    withRecords({ constraintEnvelope: { id: "env", agentId: "other" } }),
    "chain.constraint_envelope.agent_id",
    /genesis\.agent_id/,
  ],
  [
    "a delegation to another agent",
    withRecords({ delegations: [delegation("other")] }),
    "chain.delegations[0].delegatee_id",
    /genesis\.agent_id/,
  ],
  [
    "an anchor of another agent",
    withRecords({ auditAnchors: [anchor(ID), anchor("other")] }),
    "chain.audit_anchors[1].agent_id",
    /genesis\.agent_id/,
  ],
  [
    "two capabilities with one id",
    withRecords({ capabilities: [capability("a"), capability("a")] }),
    "chain.capabilities[1].id",
    /capabilities\[0\]|more than once|repeat|distinct|unique/,
  ],
  [
    "1,001 capabilities",
    withRecords({ capabilities: Array.from({ length: 1_001 }, (_, i) => capability(`c${i}`)) }),
    "chain.capabilities",
    /1,?000/,
  ],
  [
    "1,001 delegations",
    withRecords({ delegations: Array.from({ length: 1_001 }, (_, i) => delegation(ID, { id: `d${i}` })) }),
    "chain.delegations",
    /1,?000/,
  ],
  [
    "2,001 anchors",
    withRecords({ auditAnchors: Array.from({ length: 2_001 }, (_, i) => anchor(ID, { id: `a${i}` })) }),
    "chain.audit_anchors",
    /2,?000/,
  ],
  ["a chain over 1 MiB", metadata(`{"a":"${"x".repeat(1_048_577)}"}`), "chain", /1,?048,?576|1 MiB/],
  ["an expired chain", { chain: genesis({ expiresAt: "2020-01-01T00:00:00Z" }) }, "chain", /expired/],
  [
    "an expired registration",
    { chain: sampleChain(ID), expiresAt: { seconds: 1_577_836_800n, nanos: 0 } },
    "expires_at",
    /expired/,
  ],
  [
    "only expired capabilities",
    withRecords({ capabilities: [capability("a", { expiresAt: "2020-01-01T00:00:00Z" })] }),
    "chain",
    /expired/,
  ],
  [
    "a naive expiry",
    { chain: genesis({ expiresAt: "2099-01-01T00:00:00" }) },
    "chain.genesis.expires_at",
    /offset/,
  ],
  ["an invalid time", { chain: genesis({ createdAt: "yesterday" }) }, "chain.genesis.created_at", /time/],
  ["a wrong chain_hash", { chain: sampleChain(ID), chainHash: "00" }, "chain_hash", /[0-9a-f]{64}/],
  [
    "a wrong constraint_hash",
    withRecords({ constraintEnvelope: { id: "env", agentId: ID, constraintHash: "00" } }),
    "chain.constraint_envelope.constraint_hash",
    /./,
  ],
  [
    "an unspecified enum",
    { chain: genesis({ authorityType: 0 as AuthorityType }) },
    "chain.genesis.authority_type",
    /one of organization/,
  ],
  [
    "an unknown enum number",
    { chain: genesis({ authorityType: 99 as AuthorityType }) },
    "chain.genesis.authority_type",
    /99/,
  ],
  [
    "an expires_at out of range",
    { chain: sampleChain(ID), expiresAt: { seconds: 10n ** 15n, nanos: 0 } },
    "expires_at",
    /9999/,
  ],
]

describe("StoreChain validation", () => {
  const { registry, line } = withRegistry()
  const calls = () => line.calls(TrustStoreService)

  async function stored() {
    const [row] = await registry.sql`
      select (select count(*) from trust_chains) + (select count(*) from trust_chain_revisions) as rows`
    return Number(row?.rows)
  }

  for (const [title, request, field, says] of REFUSALS)
    it(`refuses ${title}`, async () => {
      const { info, badRequest } = detailsOf(await failureOf(calls().storeChain(request)))
      expect(info?.reason).to.equal("TRUST_CHAIN_INVALID")
      const violation = badRequest?.fieldViolations.find((one) => one.field === field)
      expect(badRequest?.fieldViolations.map((one) => one.field)).to.include(field)
      expect(violation?.description).to.match(says)
    })

  it("refuses invalid ids and revisions", async () => {
    const { getChain, updateChain, deleteChain, restoreChain, storeChain, verifyChainIntegrity } = calls()
    const chain = sampleChain(ID)
    const wrong: [Promise<unknown>, string][] = [
      [getChain({ agentId: "" }), "agent_id"],
      [getChain({ agentId: "x".repeat(513) }), "agent_id"],
      [getChain({ agentId: "a\0" }), "agent_id"],
      [verifyChainIntegrity({ agentId: "" }), "agent_id"],
      [deleteChain({ agentId: "x".repeat(513) }), "agent_id"],
      [restoreChain({ agentId: "" }), "agent_id"],
      [updateChain({ agentId: "other", chain }), "agent_id"],
      [storeChain({ chain, requestId: "no-uuid" }), "request_id"],
      [storeChain({ chain, expectedRevision: -1n }), "expected_revision"],
      [updateChain({ agentId: ID, chain, expectedRevision: 0n }), "expected_revision"],
      [deleteChain({ agentId: ID, expectedRevision: 0n }), "expected_revision"],
      [restoreChain({ agentId: ID, expectedRevision: -5n }), "expected_revision"],
    ]
    for (const [call, field] of wrong) {
      const { info, badRequest } = detailsOf(await failureOf(call))
      expect(info?.reason, field).to.equal("INVALID_REQUEST")
      expect(badRequest?.fieldViolations.map((one) => one.field)).to.deep.equal([field])
    }
  })

  it("refuses an unknown field anywhere in a chain, since it may be signed", async () => {
    const bytes = toBinary(TrustLineageChainSchema, create(TrustLineageChainSchema, sampleChain(ID)))
    const unknown = new BinaryWriter().tag(77, WireType.Varint).int32(1).finish()
    const inner = new BinaryWriter().tag(2, WireType.LengthDelimited).bytes(unknown).finish()
    for (const [extra, field] of [
      [unknown, "chain"],
      [inner, "chain.capabilities[0]"],
    ] as const) {
      const chain = Buffer.concat([bytes, extra])
      const request = new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(chain).finish()
      const { info, badRequest } = detailsOf(await rawFailure(Buffer.from(request)))
      expect(info?.reason).to.equal("TRUST_CHAIN_INVALID")
      const fields = badRequest?.fieldViolations.map((one) => one.field) ?? []
      expect(fields.some((one) => one.startsWith(field))).to.equal(true)
      expect(JSON.stringify(badRequest?.fieldViolations.map((one) => one.description))).to.match(/unknown|77/)
    }
  })

  it("refuses bytes that are not protobuf, and text that is not UTF-8", async () => {
    const text = Buffer.from(
      toBinary(StoreChainRequestSchema, create(StoreChainRequestSchema, { chain: sampleChain("@@@@") })),
    )
    const invalid = Buffer.from(text.toString("latin1").replaceAll("@@@@", "\xff\xfe\xc0\x80"), "latin1")
    for (const bytes of [Buffer.from([0xff, 0xff, 0xff]), Buffer.from("no protobuf"), invalid]) {
      const { info } = detailsOf(await rawFailure(bytes))
      expect(info?.reason).to.equal("INVALID_REQUEST")
    }
  })

  it("refuses millions of fields in a few megabytes before decoding them", async () => {
    const chain = toBinary(TrustLineageChainSchema, create(TrustLineageChainSchema, sampleChain(ID)))
    const packed = new BinaryWriter()
      .tag(17, WireType.LengthDelimited)
      .bytes(new Uint8Array(4_000_000).fill(1))
    for (const extra of [
      Buffer.alloc(4_000_000, Buffer.from([0x12, 0])),
      Buffer.alloc(4_000_000, Buffer.from([0x78, 0])),
      Buffer.from(new BinaryWriter().tag(3, WireType.LengthDelimited).bytes(packed.finish()).finish()),
    ]) {
      const bytes = new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(Buffer.concat([chain, extra]))
      const { info, badRequest } = detailsOf(await rawFailure(Buffer.from(bytes.finish())))
      expect(info?.reason).to.equal("INVALID_REQUEST")
      expect(badRequest?.fieldViolations[0]?.description).to.match(/at most 50000 fields/)
    }
  })

  it("stores nothing that it refuses, and keeps serving", async () => {
    expect(await stored()).to.equal(0)
    await calls().storeChain({ chain: sampleChain(ID) })
    expect(await stored()).to.equal(2)
  })

  it("stores __proto__ like any other metadata key, without pollution", async () => {
    const text = '{"__proto__":{"polluted":true},"constructor":{"prototype":1},"10":1,"2":2}'
    await calls().storeChain({ chain: { genesis: { ...sampleChain("proto").genesis, metadataJson: text } } })
    const { chain } = (await calls().getChain({ agentId: "proto" })).stored ?? {}
    expect(chain?.genesis?.metadataJson).to.equal(text)
    const filter = { metadataContainsJson: '{"__proto__":{"polluted":true}}' }
    expect((await calls().countChains({ filter })).count).to.equal(1n)
    expect(({} as Record<string, unknown>).polluted).to.equal(undefined)
  })

  it("accepts values exactly at the limits", async () => {
    const expiresAt = "9999-12-31T23:59:59.999999-12:00"
    const { record } = await calls().storeChain({ chain: genesis({ agentId: "late", expiresAt }) })
    expect(record?.expiresAt).to.include({ seconds: 253_402_300_799n, nanos: 999_999_000 })
    const id = "x".repeat(512)
    await calls().storeChain({ chain: sampleChain(id) })
    expect((await calls().getChain({ agentId: id })).stored?.record?.agentId).to.equal(id)
    await calls().storeChain({
      chain: {
        genesis: { ...sampleChain("most").genesis, metadataJson: nested(64) },
        capabilities: Array.from({ length: 1_000 }, (_, i) => capability(`c${i}`)),
      },
    })
    expect((await calls().getChain({ agentId: "most" })).stored?.chain?.capabilities).to.have.length(1_000)
  })

  function rawFailure(bytes: Buffer): Promise<grpc.ServiceError> {
    const same = (value: Buffer) => value
    return new Promise((resolve, reject) => {
      const path = "/trustregistry.v1.TrustStoreService/StoreChain"
      line.channel.makeUnaryRequest(path, same, same, bytes, new grpc.Metadata(), {}, (error) =>
        error ? resolve(error) : reject(new Error("the call did not fail")),
      )
    })
  }
})
