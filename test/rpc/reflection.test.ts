import { execFile, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { fromBinary, type MessageInitShape } from "@bufbuild/protobuf"
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt"
import { status as Code } from "@grpc/grpc-js"
import { generateKeyPair } from "@trust-registry/eatp"
import {
  AuthorityService,
  health,
  RevocationService,
  reflectionV1,
  reflectionV1alpha,
  ServerInfoService,
  TrustStoreService,
  TrustVerificationService,
} from "@trust-registry/proto"
import { expect } from "chai"
import { connectTo } from "../support/calls.js"
import { sampleChain } from "../support/sample.js"
import { startRegistry, type TestRegistry } from "../support/server.js"

const BUF = fileURLToPath(new URL("../../node_modules/.bin/buf", import.meta.url))
const OURS = [
  TrustStoreService,
  AuthorityService,
  TrustVerificationService,
  RevocationService,
  ServerInfoService,
]
const SERVED = [
  ...OURS.map(({ typeName }) => typeName),
  health.Health.typeName,
  reflectionV1.ServerReflection.typeName,
  reflectionV1alpha.ServerReflection.typeName,
]

describe("reflection", () => {
  let registry: TestRegistry
  before(async () => {
    registry = await startRegistry()
  })
  after(() => registry.stop())

  /** `buf curl` knows nothing but what the server's reflection tells it. */
  async function curl(path: string, ...args: string[]) {
    const url = `http://${registry.address}${path}`
    const all = ["curl", "--protocol", "grpc", "--http2-prior-knowledge", "--reflect", ...args, url]
    const { stdout } = await promisify(execFile)(BUF, all)
    return stdout
  }

  /** Of a stream that goes on for ever. */
  async function firstReply(path: string, version: string) {
    const flags = [
      "--protocol",
      "grpc",
      "--http2-prior-knowledge",
      "--reflect",
      "--reflect-protocol",
      version,
    ]
    const child = spawn(BUF, ["curl", ...flags, "--data", "{}", `http://${registry.address}${path}`])
    let text = ""
    for await (const chunk of child.stdout) {
      text += chunk
      if (isWhole(text)) break
    }
    child.kill()
    return JSON.parse(text)
  }

  function isWhole(text: string) {
    try {
      JSON.parse(text)
      return true
    } catch {
      return false
    }
  }

  for (const version of ["grpc-v1", "grpc-v1alpha"]) {
    it(`lists every method of every service (${version})`, async () => {
      const listed = await curl("", "--reflect-protocol", version, "--list-methods")
      const expected = [...OURS, health.Health].flatMap(({ typeName, methods }) =>
        methods.map(({ name }) => `${typeName}/${name}`),
      )
      expect(listed.split("\n")).to.include.members(expected)
    })

    it(`lets every method be called (${version})`, async () => {
      const called: string[] = []
      const call = async (name: string, request: object) => {
        called.push(name)
        const path = name.includes("/") ? `/${name}` : `/${TrustStoreService.typeName}/${name}`
        return JSON.parse(await curl(path, "--reflect-protocol", version, "--data", JSON.stringify(request)))
      }
      const agentId = `agent-${version}`
      const chain = sampleChain(agentId)
      const one = { agentId }
      const genesis = { ...chain.genesis, authorityType: "AUTHORITY_TYPE_ORGANIZATION" }
      const stored = await call("StoreChain", { chain: { genesis } })
      expect(stored.created).to.equal(true)
      expect((await call("GetChain", one)).stored.chain.genesis).to.deep.equal(genesis)
      expect((await call("UpdateChain", { ...one, chain: { genesis } })).record.agentId).to.equal(agentId)
      expect((await call("VerifyChainIntegrity", one)).verified).to.equal(true)
      expect((await call("ListChainRevisions", one)).revisions).to.have.lengthOf(2)
      expect((await call("ListChains", { filter: { agentIdPrefix: agentId } })).chains).to.have.lengthOf(1)
      expect((await call("CountChains", { filter: { agentIdPrefix: agentId } })).count).to.equal("1")
      const watch = `/${TrustStoreService.typeName}/WatchChains`
      const { nextRevision } = await firstReply(watch, version)
      expect(Number(nextRevision)).to.be.greaterThan(2)
      expect((await call("DeleteChain", one)).record.status).to.equal("CHAIN_STATUS_DELETED")
      expect((await call("RestoreChain", one)).record.status).to.equal("CHAIN_STATUS_ACTIVE")
      expect((await call("BatchGetChains", { agentIds: [agentId] })).found).to.have.lengthOf(1)
      const batch = await call("BatchStoreChains", { requests: [{ chain: { genesis } }] })
      expect(batch.results[0].stored.record.agentId).to.equal(agentId)
      const exported = await call("ExportChains", { afterAgentId: agentId })
      expect(Number(exported.snapshotRevision)).to.be.greaterThan(3)
      const imported = await call("ImportChains", { request: { chain: { genesis } } })
      expect(imported.result.stored.record.agentId).to.equal(agentId)
      const deleted = await call("BatchDeleteChains", { agentIds: [agentId, "nobody"] })
      expect(deleted.results[0].record.status).to.equal("CHAIN_STATUS_DELETED")
      expect(deleted.results[1].error.details).to.deep.equal([
        {
          "@type": "type.googleapis.com/google.rpc.ErrorInfo",
          reason: "TRUST_CHAIN_NOT_FOUND",
          domain: "trustregistry",
        },
        {
          "@type": "type.googleapis.com/google.rpc.ResourceInfo",
          resourceType: "trustregistry.v1.TrustLineageChain",
          resourceName: "nobody",
        },
      ])
      expect((await call("PurgeChain", one)).record.status).to.equal("CHAIN_STATUS_DELETED")
      expect((await call("StoreChain", { chain: { genesis } })).created).to.equal(true)
      await callAuthorities(call, `authority-${version}`)
      const verdict = await call(`${TrustVerificationService.typeName}/VerifyTrust`, {
        ...one,
        action: "read",
      })
      expect(verdict.reason).to.equal("DENIAL_REASON_CHAIN_STATE_UNSIGNED")
      const answer = await call(`${TrustVerificationService.typeName}/CheckAuthority`, {
        ...one,
        action: "read",
      })
      expect(answer.reason).to.equal("DENIAL_REASON_CHAIN_STATE_UNSIGNED")
      expect(await call("grpc.health.v1.Health/Check", {})).to.deep.equal({ status: "SERVING" })
      expect((await call("grpc.health.v1.Health/List", {})).statuses).to.have.all.keys(
        "",
        ...OURS.map(({ typeName }) => typeName),
      )
      expect(await firstReply("/grpc.health.v1.Health/Watch", version)).to.deep.equal({ status: "SERVING" })
      const others = [health.Health, AuthorityService, TrustVerificationService].flatMap(
        ({ typeName, methods }) => methods.map(({ name }) => `${typeName}/${name}`),
      )
      const all = [...TrustStoreService.methods.map(({ name }) => name), ...others]
      expect([...new Set(called), "WatchChains", "grpc.health.v1.Health/Watch"]).to.have.members(all)
    })
  }

  for (const desc of [reflectionV1.ServerReflection, reflectionV1alpha.ServerReflection] as Reflection[]) {
    describe(desc.typeName, () => {
      it("lists exactly the services that are served", async () => {
        const [answer] = await ask(desc, { case: "listServices", value: "" })
        const names =
          answer?.case === "listServicesResponse" ? answer.value.service.map(({ name }) => name) : []
        expect(names).to.have.members(SERVED)
      })

      it("returns a file with all its imports, by file, service, method, message, field and enum", async () => {
        const file = "trustregistry/v1/trust_store.proto"
        const name = TrustStoreService.typeName
        const questions: Question[] = [
          { case: "fileByFilename", value: file },
          { case: "fileContainingSymbol", value: name },
          { case: "fileContainingSymbol", value: `${name}.StoreChain` },
          { case: "fileContainingSymbol", value: "trustregistry.v1.IntegrityFinding" },
          { case: "fileContainingSymbol", value: "trustregistry.v1.IntegrityFinding.check" },
          { case: "fileContainingSymbol", value: "trustregistry.v1.IntegrityCheck" },
        ]
        for (const question of questions) {
          const [answer] = await ask(desc, question)
          expect(filesOf(answer)).to.deep.equal([
            file,
            "google/protobuf/timestamp.proto",
            "google/rpc/status.proto",
            "google/protobuf/any.proto",
            "trustregistry/v1/chain.proto",
            "trustregistry/v1/consistency.proto",
            "trustregistry/v1/stored_chain.proto",
          ])
        }
      })

      it("resends files on a stream only on request", async () => {
        const file: Question = { case: "fileByFilename", value: "trustregistry/v1/trust_store.proto" }
        const [first, second] = await ask(desc, file, file)
        expect(filesOf(first)).to.have.lengthOf(7)
        expect(filesOf(second)).to.deep.equal(["trustregistry/v1/trust_store.proto"])
      })

      it("returns the messages that errors carry in an Any, which no service imports", async () => {
        const [details, mask, status] = await ask(
          desc,
          { case: "fileContainingSymbol", value: "google.rpc.ErrorInfo" },
          { case: "fileContainingSymbol", value: "google.protobuf.FieldMask" },
          { case: "fileContainingSymbol", value: "google.rpc.Status" },
        )
        expect(filesOf(details)).to.include("google/rpc/error_details.proto")
        expect(filesOf(mask)).to.include("google/protobuf/field_mask.proto")
        expect(filesOf(status)).to.include.members(["google/rpc/status.proto", "google/protobuf/any.proto"])
      })

      it("returns NOT_FOUND for unknown names, and continues", async () => {
        const answers = await ask(
          desc,
          { case: "fileByFilename", value: "no.proto" },
          { case: "fileContainingSymbol", value: "no.Such" },
          { case: "allExtensionNumbersOfType", value: "no.Such" },
          { case: "fileContainingExtension", value: { containingType: "no.Such", extensionNumber: 1 } },
          { case: undefined },
          { case: "allExtensionNumbersOfType", value: "trustregistry.v1.ChainRecord" },
        )
        const codes = answers.map((answer) =>
          answer.case === "errorResponse" ? answer.value.errorCode : answer.case,
        )
        const [missing, invalid] = [Code.NOT_FOUND, Code.INVALID_ARGUMENT]
        expect(codes).to.deep.equal([
          missing,
          missing,
          missing,
          missing,
          invalid,
          "allExtensionNumbersResponse",
        ])
      })
    })
  }

  type Reflection = typeof reflectionV1.ServerReflection
  type Question = MessageInitShape<typeof reflectionV1.ServerReflectionRequestSchema>["messageRequest"]
  type Answer = reflectionV1.ServerReflectionResponse["messageResponse"]

  /** Asks on one stream; both versions take and give the same values. */
  async function ask(desc: Reflection, ...questions: Question[]): Promise<Answer[]> {
    const connection = connectTo(registry.address)
    const requests = async function* () {
      for (const messageRequest of questions) yield { messageRequest } as reflectionV1.ServerReflectionRequest
    }
    const answers: Answer[] = []
    for await (const reply of connection.calls(desc).serverReflectionInfo(requests())) {
      answers.push(reply.messageResponse)
    }
    connection.close()
    return answers
  }
})

/** Calls every method of AuthorityService. */
async function callAuthorities(
  call: (name: string, request: object) => Promise<Record<string, Record<string, unknown>>>,
  id: string,
) {
  const rpc = (name: string, request: object) => call(`${AuthorityService.typeName}/${name}`, request)
  const one = { authorityId: id }
  const keys = [{ keyId: "k1", publicKey: generateKeyPair().publicKey }]
  const authority = { id, name: id, authorityType: "AUTHORITY_TYPE_SYSTEM", keys }
  expect((await rpc("RegisterAuthority", { authority })).record?.authorityId).to.equal(id)
  expect((await rpc("GetAuthority", one)).stored?.authority).to.deep.equal(authority)
  const named = { id, name: "new", authorityType: "AUTHORITY_TYPE_HUMAN" }
  const update = { authority: named, updateMask: "name,parentAuthorityId" }
  expect((await rpc("UpdateAuthority", update)).record?.isActive).to.equal(true)
  const renamed = (await rpc("GetAuthority", one)).stored?.authority
  expect(renamed).to.deep.equal({ ...authority, name: "new" })
  const key = { keyId: "k2", publicKey: generateKeyPair().publicKey, overlap: "3600s" }
  const rotated = (await rpc("RotateAuthorityKey", { ...one, ...key })).stored?.authority
  expect((rotated as { keys: unknown[] }).keys).to.have.lengthOf(2)
  expect((await rpc("ListAuthorities", {})).authorities).to.have.lengthOf(1)
  expect((await rpc("ListAuthorityDocuments", one)).documents).to.have.lengthOf(3)
  expect((await rpc("DeactivateAuthority", one)).record?.isActive).to.equal(undefined)
}

function filesOf(answer: reflectionV1.ServerReflectionResponse["messageResponse"] | undefined) {
  if (answer?.case !== "fileDescriptorResponse") throw new Error(`no files: ${answer?.case}`)
  return answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name)
}
