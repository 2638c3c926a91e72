import { create, type DescField, type DescMessage, type MessageShape, ScalarType } from "@bufbuild/protobuf"
import { reflect } from "@bufbuild/protobuf/reflect"
import * as grpc from "@grpc/grpc-js"
import {
  AuthorityService,
  encode,
  RevocationService,
  ServerInfoService,
  serviceDefinition,
  TrustStoreService,
  TrustVerificationService,
} from "@trust-registry/proto"
import { expect } from "chai"
import { connectTo } from "../support/calls.js"
import { sampleChain } from "../support/sample.js"
import { startRegistry, type TestRegistry } from "../support/server.js"

const SERVICES = [
  TrustStoreService,
  AuthorityService,
  TrustVerificationService,
  RevocationService,
  ServerInfoService,
]
const ENDS = {
  [ScalarType.INT32]: [0, -1, 1, 2 ** 31 - 1, -(2 ** 31)],
  [ScalarType.INT64]: [0n, -1n, 1n, 2n ** 31n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)],
} as Record<number, (number | bigint)[]>
/** What a request says beside its number, so that it gets so far as to be looked at. */
const BASE: Record<string, object> = {
  agentId: "a",
  authorityId: "org-acme",
  keyId: "k",
  delegationId: "d",
  capabilityId: "c",
  action: "read",
  revocationId: "0b54e4a5-2f64-4c1e-9f0c-8d2cbbf4f6f3",
  publicKey: "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
  mode: 2,
} as unknown as Record<string, object>
/** The codes that are answers. All others mean that the server was at a loss. */
const ANSWERS = new Set([
  grpc.status.OK,
  grpc.status.INVALID_ARGUMENT,
  grpc.status.NOT_FOUND,
  grpc.status.FAILED_PRECONDITION,
  grpc.status.ABORTED,
  grpc.status.ALREADY_EXISTS,
  grpc.status.OUT_OF_RANGE,
])

describe("numbers in requests, at their ends", () => {
  let server: TestRegistry
  let connection: ReturnType<typeof connectTo>
  before(async () => {
    server = await startRegistry({ logLevel: "error" })
    connection = connectTo(server.address)
    await connection.calls(TrustStoreService).storeChain({ chain: sampleChain("a") })
  })
  after(async () => {
    connection.close()
    await server.stop()
  })

  for (const service of SERVICES)
    for (const method of service.methods) {
      const paths = numbersOf(method.input)
      if (paths.length === 0) continue
      it(`${method.name}: every number is answered or refused`, async () => {
        const { path } = serviceDefinition(service)[method.name] ?? {
          path: `/${service.typeName}/${method.name}`,
        }
        for (const fields of paths)
          for (const value of ENDS[scalarOf(fields.at(-1))] ?? []) {
            const request = requestWith(method.input, fields, value)
            const code = await codeOf(
              connection.channel,
              path,
              encode(method.input, request),
              method.methodKind,
            )
            const what = `${fields.map(({ name }) => name).join(".")} = ${value}`
            expect(ANSWERS, `${what}: ${grpc.status[code]}`).to.include(code)
          }
      })
    }

  for (const header of ["2147483S", "2147484S", "99999999S", "99999999M", "99999999H", "36000M"])
    it(`grpc-timeout ${header} is a deadline far away`, async () => {
      expect(await codeWith(connection.channel, header)).to.equal(grpc.status.OK)
    })

  for (const header of ["123456789S", "-1S", "1.5S", "S", "10", "NaNS", "1e3S"])
    it(`grpc-timeout ${JSON.stringify(header)} is refused, not misread`, async () => {
      expect(await codeWith(connection.channel, header)).to.equal(grpc.status.INTERNAL)
    })

  it("grpc-timeout 0 is over at once", async () => {
    expect(await codeWith(connection.channel, "0S")).to.equal(grpc.status.DEADLINE_EXCEEDED)
  })
})

function scalarOf(field: DescField | undefined): ScalarType {
  return field?.fieldKind === "scalar" ? field.scalar : ScalarType.STRING
}

/** The paths to all numbers of a request, those of messages inside it too. */
function numbersOf(desc: DescMessage, above: DescField[] = []): DescField[][] {
  if (above.length > 4) return []
  return desc.fields.flatMap((field): DescField[][] => {
    if (field.fieldKind === "scalar") return ENDS[field.scalar] ? [[...above, field]] : []
    const inner = field.fieldKind === "message" || field.fieldKind === "list" ? field.message : undefined
    return inner ? numbersOf(inner, [...above, field]) : []
  })
}

function requestWith(
  desc: DescMessage,
  path: DescField[],
  value: number | bigint,
): MessageShape<DescMessage> {
  const known = Object.entries(BASE).filter(([name]) =>
    desc.fields.some(({ localName }) => localName === name),
  )
  const chain = desc.fields.some(({ localName }) => localName === "chain") ? { chain: sampleChain("a") } : {}
  const root = create(desc, { ...Object.fromEntries(known), ...chain })
  let at = reflect(desc, root)
  for (const field of path.slice(0, -1)) {
    if (field.fieldKind === "message") {
      if (!at.isSet(field)) at.set(field, reflect(field.message))
      at = at.get(field)
    } else if (field.fieldKind === "list" && field.listKind === "message") {
      const list = at.get(field)
      if (list.size === 0) list.add(reflect(field.message))
      at = list.get(0) as typeof at
    }
  }
  at.set(path.at(-1) as DescField, value)
  return root
}

/** The code of a call with these bytes; a stream counts as answered with its first message. */
function codeOf(client: grpc.Client, path: string, bytes: Buffer, kind: string): Promise<grpc.status> {
  const same = (value: Buffer) => value
  const options = { deadline: Date.now() + 60_000 }
  return new Promise((resolve) => {
    const done = (error: grpc.ServiceError | null) => resolve(error?.code ?? grpc.status.OK)
    if (kind === "unary") client.makeUnaryRequest(path, same, same, bytes, new grpc.Metadata(), options, done)
    else {
      const call = client.makeBidiStreamRequest(path, same, same, new grpc.Metadata(), options)
      call.on("data", () => {
        resolve(grpc.status.OK)
        call.cancel()
      })
      call.on("error", (error: grpc.ServiceError) => resolve(error.code))
      call.on("end", () => resolve(grpc.status.OK))
      call.end(bytes)
    }
  })
}

/** The code of a CountChains with this header, which grpc-js sends as it is where it has no deadline of its own. */
function codeWith(client: grpc.Client, header: string): Promise<grpc.status> {
  const metadata = new grpc.Metadata()
  metadata.set("grpc-timeout", header)
  const same = (value: Buffer) => value
  return new Promise((resolve) => {
    const path = "/trustregistry.v1.TrustStoreService/CountChains"
    client.makeUnaryRequest(path, same, same, Buffer.alloc(0), metadata, {}, (error) =>
      resolve(error?.code ?? grpc.status.OK),
    )
  })
}
