import { create, type DescMessage, type JsonValue, type Message, toJson } from "@bufbuild/protobuf"
import {
  chainFromDocument,
  contentHashOfJson,
  contentJson,
  contentText,
  sha256Hex,
} from "@trust-registry/eatp"
import {
  AuditAnchorSchema,
  AuthoritySchema,
  CapabilityAttestationSchema,
  ConstraintEnvelopeSchema,
  DelegationRecordSchema,
  GenesisRecordSchema,
  GetChainRequestSchema,
  GetChainResponseSchema,
  StatusSchema,
  sortedJson,
  type TrustLineageChain,
  TrustLineageChainSchema,
} from "@trust-registry/proto"
import { expect } from "chai"
import fc from "fast-check"
import { messageOf } from "../support/arbitraryMessage.js"
import { registryChains } from "../support/registryChains.js"
import { sampleChain } from "../support/sample.js"

const RECORDS: DescMessage[] = [
  TrustLineageChainSchema,
  GenesisRecordSchema,
  CapabilityAttestationSchema,
  DelegationRecordSchema,
  ConstraintEnvelopeSchema,
  AuditAnchorSchema,
]

/** What protobuf-es makes of it, with its keys sorted. */
function theirs(schema: DescMessage, message: Message): string {
  return JSON.stringify(sorted(toJson(schema, message, { useProtoFieldName: true })))
}

function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sorted)
  if (value === null || typeof value !== "object") return value
  const entries = Object.keys(value)
    .sort()
    .map((key) => [key, sorted(value[key] ?? null)] as const)
  return Object.fromEntries(entries)
}

/** A chain whose genesis record has these values. */
function chainWith(genesis: object): TrustLineageChain {
  const chain = create(TrustLineageChainSchema, sampleChain("agent-1"))
  Object.assign(chain.genesis ?? {}, genesis)
  return chain
}

function leavesToThem(chain: TrustLineageChain) {
  expect(sortedJson(TrustLineageChainSchema, chain)).to.equal(undefined)
  expect(outcome(() => contentText(chain))).to.deep.equal(
    outcome(() => theirs(TrustLineageChainSchema, chain)),
  )
}

function outcome(work: () => string) {
  try {
    return { made: work() }
  } catch (error) {
    return { said: (error as Error).message }
  }
}

describe("the sorted JSON of messages", () => {
  for (const schema of RECORDS) {
    it(`equals protobuf-es for any ${schema.name}, without falling back to it`, () => {
      fc.assert(
        fc.property(messageOf(schema), (message) => {
          expect(sortedJson(schema, message)).to.equal(theirs(schema, message))
        }),
        { numRuns: 200 },
      )
    })
  }

  it("equals protobuf-es for every chain of a registry, with the content hash of the stored documents", () => {
    for (const { document } of registryChains()) {
      const { chain } = chainFromDocument(document)
      expect(sortedJson(TrustLineageChainSchema, chain)).to.equal(theirs(TrustLineageChainSchema, chain))
      expect(contentHashOfJson(contentJson(chain))).to.equal(sha256Hex(contentText(chain)))
    }
  })

  it("falls back to protobuf-es for values of a wrong type, errors included", () => {
    const wrong = [{ id: 7 }, { id: null }, { id: undefined }, { authorityType: "1" }, { expiresAt: true }]
    for (const genesis of wrong) leavesToThem(chainWith(genesis))
    leavesToThem(Object.assign(chainWith({}), { genesis: { $typeName: "another" } }))
    leavesToThem(Object.assign(chainWith({}), { capabilities: "none" }))
    leavesToThem(Object.assign(chainWith({}), { capabilities: [7] }))
  })

  it("falls back to protobuf-es for messages with a special JSON form", () => {
    const others = [GetChainRequestSchema, GetChainResponseSchema, AuthoritySchema, StatusSchema]
    for (const schema of others as DescMessage[])
      expect(sortedJson(schema, create(schema))).to.equal(undefined)
  })
})
