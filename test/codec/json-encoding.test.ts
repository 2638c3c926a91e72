import { create, type DescField, fromJson, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf"
import { chainFromDocument } from "@trust-registry/eatp"
import {
  ChainEventSchema,
  decode,
  encode,
  encodeItems,
  encodeJsonField,
  GetChainRequestSchema,
  StoredChainSchema,
  type TrustLineageChain,
  TrustLineageChainSchema,
  WatchChainsResponseSchema,
} from "@trust-registry/proto"
import { expect } from "chai"
import { registryChains } from "../support/registryChains.js"
import { sampleChain } from "../support/sample.js"

const NOTHING = Buffer.alloc(0)
const CHAIN: DescField = StoredChainSchema.field.chain

/** As fromJson and toBinary make it; undefined where fromJson refuses it. */
function theirs(json: JsonValue) {
  try {
    const chain = fromJson(TrustLineageChainSchema, json)
    return Buffer.from(toBinary(StoredChainSchema, create(StoredChainSchema, { chain })))
  } catch {
    return undefined
  }
}

function stored(chain: TrustLineageChain): JsonValue {
  return toJson(TrustLineageChainSchema, chain, { useProtoFieldName: true })
}

const sample = () =>
  stored(create(TrustLineageChainSchema, sampleChain("agent-1"))) as Record<string, JsonValue>

/** The sample with another value at a path. */
function changed(path: string[], value: JsonValue): JsonValue {
  const json = structuredClone(sample())
  let at: Record<string, JsonValue> = json
  for (const name of path.slice(0, -1)) at = at[name] as Record<string, JsonValue>
  at[path.at(-1) as string] = value
  return json
}

describe("the JSON encoder for stored documents", () => {
  it("encodes every chain of a registry byte for byte as protobuf-es does, without falling back to it", () => {
    for (const { document } of registryChains()) {
      const json = stored(chainFromDocument(document).chain)
      expect(encodeJsonField(CHAIN, json, NOTHING)?.equals(theirs(json) as Buffer)).to.equal(true)
    }
  })

  it("appends the given bytes", () => {
    const rest = Buffer.from([0x12, 0x00])
    expect(encodeJsonField(CHAIN, sample(), rest)).to.deep.equal(
      Buffer.concat([theirs(sample()) as Buffer, rest]),
    )
  })

  it("falls back to protobuf-es for unusual values, or encodes them the same", () => {
    const unusual: JsonValue[] = [
      changed(["extra"], 1),
      changed(["genesis", "extra"], null),
      changed(["genesis", "agent_id"], null),
      changed(["genesis", "agent_id"], 7),
      changed(["genesis", "agentId"], "twice"),
      changed(["genesis", "id"], ""),
      changed(["genesis", "authority_type"], 1),
      changed(["genesis", "authority_type"], "AUTHORITY_TYPE_NEW"),
      changed(["genesis", "authority_type"], "AUTHORITY_TYPE_UNSPECIFIED"),
      changed(["genesis", "expires_at"], ""),
      changed(["capabilities"], {}),
      changed(["capabilities"], []),
      changed(["capabilities"], [null]),
      changed(["capabilities"], [{}]),
      changed(["capabilities"], [{ constraints: ["", "x"] }]),
      changed(["capabilities"], [{ constraints: "x" }]),
      changed(["genesis"], []),
      changed(["genesis"], null),
      {},
    ]
    const outcomes = unusual.map((json) => [encodeJsonField(CHAIN, json, NOTHING), theirs(json)] as const)
    for (const [ours, known] of outcomes) if (ours) expect(ours).to.deep.equal(known)
    expect(outcomes.filter(([ours]) => ours).length).to.be.within(4, 8)
    expect(outcomes.filter(([, known]) => !known).length).to.be.above(6)
  })

  it("embeds encoded items in the message that lists them", () => {
    const events = [sampleChain("agent-1"), sampleChain("agent-2")].map((chain, index) =>
      create(ChainEventSchema, {
        kind: { case: "changed", value: { stored: { chain }, requestId: String(index) } },
      }),
    )
    const known = create(WatchChainsResponseSchema, { events, nextRevision: 300n })
    const rest = encode(WatchChainsResponseSchema, { nextRevision: 300n })
    const items = events.map((event) => encode(ChainEventSchema, event))
    const field = WatchChainsResponseSchema.field.events
    expect(decode(WatchChainsResponseSchema, encodeItems(field, items, rest))).to.deep.equal(known)
    expect(encodeItems(field, items)).to.deep.equal(encode(WatchChainsResponseSchema, { events }))
    expect(encodeItems(field, [])).to.deep.equal(NOTHING)
  })

  it("supports only messages without oneofs and well-known types", () => {
    const fields = [
      GetChainRequestSchema.field.agentId,
      WatchChainsResponseSchema.field.events,
      StoredChainSchema.field.record,
    ]
    expect(fields.map((field) => encodeJsonField(field, {}, NOTHING))).to.deep.equal([
      undefined,
      undefined,
      undefined,
    ])
  })
})
