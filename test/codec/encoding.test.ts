import { create, type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf"
import {
  BytesValueSchema,
  FileDescriptorProtoSchema,
  StringValueSchema,
  StructSchema,
} from "@bufbuild/protobuf/wkt"
import {
  AuthorityService,
  ConsistencySchema,
  ErrorInfoSchema,
  encodedLength,
  GetChainRequestSchema,
  GetChainResponseSchema,
  ImportChainsResponseSchema,
  RevocationService,
  reflectionV1,
  StatusSchema,
  StoreChainRequestSchema,
  TrustLineageChainSchema,
  TrustStoreService,
  TrustVerificationService,
} from "@trust-registry/proto"
import { expect } from "chai"
import fc from "fast-check"
import { decodeMessage } from "../../proto/codec/decoder.js"
import { encodeMessage } from "../../proto/codec/encoder.js"
import { isPlainMessage } from "../../proto/codec/plainMessage.js"
import { messageOf } from "../support/arbitraryMessage.js"

const SERVICES = [TrustStoreService, AuthorityService, TrustVerificationService, RevocationService]
const SCHEMAS: DescMessage[] = SERVICES.flatMap(({ methods }) =>
  methods.flatMap(({ input, output }) => [input, output]),
)

/** What protobuf-es makes of it, or says of it. */
function outcome(work: () => unknown) {
  try {
    return { made: work() }
  } catch (error) {
    return { said: (error as Error).message }
  }
}

describe("the protobuf codec", () => {
  it("has its own code for every message of the registry's services", () => {
    expect(SCHEMAS.filter((schema) => !isPlainMessage(schema)).map(({ typeName }) => typeName)).to.deep.equal(
      [],
    )
    expect(isPlainMessage(StatusSchema)).to.equal(true)
    const others = [StructSchema, FileDescriptorProtoSchema, reflectionV1.ServerReflectionResponseSchema]
    expect(others.map((schema) => isPlainMessage(schema))).to.deep.equal([false, false, false])
  })

  for (const schema of new Set([...SCHEMAS, TrustLineageChainSchema, StringValueSchema, StatusSchema])) {
    it(`encodes and decodes ${schema.typeName} as protobuf-es does`, () => {
      fc.assert(
        fc.property(messageOf(schema), (message) => {
          const bytes = Buffer.from(toBinary(schema, message))
          expect(encodeMessage(schema, message)).to.deep.equal(bytes)
          expect(encodedLength(schema, message)).to.equal(bytes.length)
          expect(decodeMessage(schema, bytes)).to.deep.equal(fromBinary(schema, bytes))
        }),
        { numRuns: 60 },
      )
    })
  }

  for (const schema of [StoreChainRequestSchema, ImportChainsResponseSchema] as DescMessage[]) {
    it(`decodes a corrupted ${schema.name} as protobuf-es does, or refuses it with the same message`, () => {
      const tampered = fc.tuple(messageOf(schema), fc.nat(), fc.nat(255), fc.nat(2))
      fc.assert(
        fc.property(tampered, ([message, place, value, kind]) => {
          const whole = Buffer.from(toBinary(schema, message))
          const at = place % (whole.length + 1)
          const bytes = [
            () => Buffer.concat([whole.subarray(0, at), Buffer.from([value]), whole.subarray(at + 1)]),
            () => whole.subarray(0, at),
            () => Buffer.concat([whole, whole.subarray(at)]),
          ][kind]?.() as Buffer
          expect(outcome(() => decodeMessage(schema, bytes))).to.deep.equal(
            outcome(() => fromBinary(schema, bytes)),
          )
        }),
        { numRuns: 1_000 },
      )
    })
  }

  it("keeps unknown fields, merges repeated occurrences of a message, and takes the last of a oneof", () => {
    const known = toBinary(GetChainRequestSchema, create(GetChainRequestSchema, { agentId: "a" }))
    const unknown = Buffer.concat([known, Buffer.from([0xfa, 0x7f, 0x01, 0x07])])
    const request = decodeMessage(GetChainRequestSchema, unknown)
    expect(request.$unknown).to.have.length(1)
    expect(encodeMessage(GetChainRequestSchema, request)).to.deep.equal(unknown)
    expect(encodedLength(GetChainRequestSchema, request)).to.equal(unknown.length)
    const part = (init: object) => toBinary(GetChainResponseSchema, create(GetChainResponseSchema, init))
    const stored = [{ chain: { genesis: { id: "g" } } }, { chain: { genesis: { agentId: "a" } } }]
    const parts = stored.map((one) => part({ stored: one }))
    const read = decodeMessage(GetChainResponseSchema, Buffer.concat(parts))
    expect(read.stored?.chain?.genesis).to.include({ id: "g", agentId: "a" })
  })

  it("keeps a map key named __proto__ out of the prototype, as protobuf-es does", () => {
    // protobuf's encoding of { metadata: { __proto__: "x", b: "y" } }.
    const entry = (key: string, value: string) =>
      Buffer.from([
        0x1a,
        key.length + value.length + 4,
        0x0a,
        key.length,
        ...Buffer.from(key),
        0x12,
        value.length,
        ...Buffer.from(value),
      ])
    const bytes = Buffer.concat([entry("__proto__", "x"), entry("b", "y")])
    const theirs = fromBinary(ErrorInfoSchema, bytes)
    const { metadata } = decodeMessage(ErrorInfoSchema, bytes)
    expect(Object.entries(metadata)).to.deep.equal(Object.entries(theirs.metadata))
    expect(Object.getPrototypeOf(metadata)).to.equal(Object.getPrototypeOf(theirs.metadata))
    expect(Object.hasOwn(metadata, "__proto__")).to.equal(Object.hasOwn(theirs.metadata, "__proto__"))
  })

  it("decodes bytes fields, even empty ones, as protobuf-es does", () => {
    for (const value of [new Uint8Array(), Uint8Array.of(0, 255)]) {
      const message = create(BytesValueSchema, { value })
      const bytes = Buffer.from(toBinary(BytesValueSchema, message))
      expect(encodeMessage(BytesValueSchema, message)).to.deep.equal(bytes)
      expect(Buffer.from(decodeMessage(BytesValueSchema, bytes).value)).to.deep.equal(Buffer.from(value))
    }
  })

  it("treats values of a wrong type as protobuf-es does", () => {
    const wrong: object[] = [
      { agentId: 7 },
      { agentId: null },
      { includeInactive: "yes" },
      { consistency: create(ConsistencySchema, { requirement: { case: "minRevision", value: 2n ** 63n } }) },
      { consistency: { requirement: { case: "minRevision", value: 1n } } },
    ]
    for (const fields of wrong) {
      const message = Object.assign(create(GetChainRequestSchema), fields)
      const theirs = outcome(() => Buffer.from(toBinary(GetChainRequestSchema, message)))
      expect(outcome(() => encodeMessage(GetChainRequestSchema, message))).to.deep.equal(theirs)
      if ("made" in theirs)
        expect(encodedLength(GetChainRequestSchema, message)).to.equal((theirs.made as Buffer).length)
    }
  })

  it("encodes messages larger than its buffer, each into memory of its own", () => {
    const chains = ["x", "y"].map((letter) =>
      create(TrustLineageChainSchema, { genesis: { id: letter.repeat(3_000_000) } }),
    )
    const [first, second] = chains.map((chain) => encodeMessage(TrustLineageChainSchema, chain))
    expect(first?.equals(toBinary(TrustLineageChainSchema, chains[0] as (typeof chains)[0]))).to.equal(true)
    expect(second?.includes("x")).to.equal(false)
  })
})
