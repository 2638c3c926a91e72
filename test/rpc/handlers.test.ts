import { connect as connectSocket } from "node:net"
import { Client, status as Code, credentials, Metadata } from "@grpc/grpc-js"
import { TrustStoreService } from "@trust-registry/proto"
import { expect } from "chai"
import { connectTo, detailsOf, failureOf } from "../support/calls.js"
import { sampleChain } from "../support/sample.js"
import { startRegistry } from "../support/server.js"
import { scaled } from "../support/slowness.js"
import { withRegistry } from "../support/withRegistry.js"

describe("every RPC", () => {
  const { registry, line: connection } = withRegistry({ maxMessageBytes: 2 * 1024 * 1024 })
  const store = () => connection.calls(TrustStoreService)

  it("reports a refusal with its reason, fields and agent", async () => {
    const error = await failureOf(store().getChain({ agentId: "nobody" }))
    expect(error.code).to.equal(Code.NOT_FOUND)
    const { info, resource, status } = detailsOf(error)
    expect(info).to.include({ domain: "trustregistry", reason: "TRUST_CHAIN_NOT_FOUND" })
    expect(resource).to.include({
      resourceType: "trustregistry.v1.TrustLineageChain",
      resourceName: "nobody",
    })
    expect(status).to.include({ code: Code.NOT_FOUND, message: error.details })
  })

  it("names fields by their paths in proto names", async () => {
    const chain = sampleChain("a")
    const wrong = { ...chain, genesis: { ...chain.genesis, id: "", createdAt: "yesterday" } }
    const error = await failureOf(store().storeChain({ chain: wrong }))
    expect(error.code).to.equal(Code.INVALID_ARGUMENT)
    const fields = detailsOf(error).badRequest?.fieldViolations.map(({ field }) => field)
    expect(fields).to.include.members(["chain.genesis.id", "chain.genesis.created_at"])
  })

  it("keeps the details of 1,000 violations under 4 KiB", async () => {
    const chain = sampleChain("a")
    const capabilities = Array.from({ length: 1000 }, () => ({ id: "", capability: "x" }))
    const error = await failureOf(store().storeChain({ chain: { ...chain, capabilities } }))
    const { bytes, badRequest } = detailsOf(error)
    expect(bytes).to.be.below(4096)
    expect(badRequest?.fieldViolations).to.have.lengthOf(17)
    expect(badRequest?.fieldViolations[16]?.description).to.match(/^and \d+ more$/)
  })

  it("refuses undecodable bytes with INVALID_ARGUMENT", async () => {
    for (const bytes of [Buffer.from([0xff, 0xff, 0xff]), Buffer.from([0x0a, 0x02, 0xc3, 0x28])]) {
      const error = await failureOf(sendBytes("/trustregistry.v1.TrustStoreService/GetChain", bytes))
      expect(error.code).to.equal(Code.INVALID_ARGUMENT)
      expect(detailsOf(error).info?.reason).to.equal("INVALID_REQUEST")
      expect(detailsOf(error).badRequest?.fieldViolations).to.have.lengthOf(1)
    }
  })

  it("returns UNIMPLEMENTED for unknown methods and services", async () => {
    for (const path of ["/trustregistry.v1.TrustStoreService/Nothing", "/other.Service/Do"]) {
      expect((await failureOf(sendBytes(path, Buffer.alloc(0)))).code).to.equal(Code.UNIMPLEMENTED)
    }
  })

  it("refuses a message that is too large, and keeps serving the connection", async () => {
    const chain = sampleChain("large")
    const large = {
      ...chain,
      genesis: { ...chain.genesis, metadataJson: JSON.stringify("x".repeat(3_000_000)) },
    }
    for (let round = 0; round < 5; round++) {
      const error = await failureOf(store().storeChain({ chain: large }))
      expect(error.code).to.equal(Code.RESOURCE_EXHAUSTED)
      expect(error.details).to.match(/larger than max/)
    }
    expect((await store().countChains({})).count).to.equal(0n)
  })

  it("ends a call that takes too long, whatever its caller's deadline", async () => {
    const brief = await registry.beside({ callTimeoutMs: 300, databaseTimeoutMs: 60_000 })
    const line = connectTo(brief.address)
    await withLockedTable(async () => {
      const { verifyChainIntegrity } = line.calls(TrustStoreService)
      const error = await failureOf(verifyChainIntegrity({ agentId: "slow" }, { timeoutMs: scaled(60_000) }))
      expect(error.code).to.equal(Code.DEADLINE_EXCEEDED)
      expect(detailsOf(error).info?.reason).to.equal("DEADLINE_EXCEEDED")
    })
    line.close()
    await brief.stop()
  })

  it("hides unexpected errors from callers, and logs them in full", async () => {
    await registry.sql`alter table trust_chains rename column content_hash to renamed_by_hand`
    try {
      const error = await failureOf(store().verifyChainIntegrity({ agentId: "someone" }))
      expect(error.code).to.equal(Code.INTERNAL)
      expect(error.details).to.equal("internal error: the server's log tells more")
      expect(detailsOf(error).info?.reason).to.equal("INTERNAL")
      const line = registry.log.find(({ level }) => level === "error")
      expect(line).to.include({ agent_id: "someone", code: "INTERNAL", reason: "INTERNAL", msg: "failed" })
      expect(line?.err).to.have.property("stack").that.includes("content_hash")
    } finally {
      await registry.sql`alter table trust_chains rename column renamed_by_hand to content_hash`
    }
  })

  it("logs writes and refusals at info and reads at debug, with fields and without documents", async () => {
    const secret = "do-not-log-this"
    const chain = sampleChain("agent-log")
    await store().storeChain({
      chain: { ...chain, genesis: { ...chain.genesis, metadataJson: `{"k":"${secret}"}` } },
    })
    await store().getChain({ agentId: "agent-log" })
    await failureOf(store().updateChain({ agentId: "agent-log", chain, expectedRevision: 999n }))
    const lines = registry.log.filter(({ agent_id }) => agent_id === "agent-log")
    expect(lines.map(({ level, method, code, msg }) => ({ level, method, code, msg }))).to.deep.equal([
      { level: "info", method: "trustregistry.v1.TrustStoreService/StoreChain", code: "OK", msg: "answered" },
      { level: "debug", method: "trustregistry.v1.TrustStoreService/GetChain", code: "OK", msg: "answered" },
      {
        level: "info",
        method: "trustregistry.v1.TrustStoreService/UpdateChain",
        code: "ABORTED",
        msg: "refused",
      },
    ])
    expect(lines[2]?.reason).to.equal("REVISION_CONFLICT")
    for (const { ms, peer } of lines) {
      expect(ms).to.be.a("number").above(0)
      expect(peer).to.match(/^127\.0\.0\.1:\d+$/)
    }
    expect(JSON.stringify(registry.log)).to.not.include(secret)
  })

  it("records who made a change", async () => {
    const { record } = await store().storeChain({ chain: sampleChain("agent-actor") })
    expect(record?.updatedBy).to.equal("peer:127.0.0.1")
  })

  it("survives bytes that are not gRPC", async () => {
    const [host, port] = registry.address.split(":")
    for (const text of [
      "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
      "\0".repeat(5_000),
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff",
    ]) {
      const socket = connectSocket(Number(port), host)
      socket
        .on("error", () => undefined)
        .end(text)
        .resume()
      await new Promise((resolve) => socket.on("close", resolve))
    }
    expect((await failureOf(store().getChain({ agentId: "nobody" }))).code).to.equal(Code.NOT_FOUND)
  })

  it("survives a caller that disconnects during a call", async () => {
    await withLockedTable(async () => {
      const error = await failureOf(
        store().verifyChainIntegrity({ agentId: "left" }, { signal: AbortSignal.timeout(50) }),
      )
      expect(error.name).to.equal("TimeoutError")
    })
    expect((await store().getChain({ agentId: "agent-log" })).stored?.record?.agentId).to.equal("agent-log")
  })

  /** A raw call: what comes back is told as it is. */
  function sendBytes(path: string, bytes: Buffer) {
    const same = (value: Buffer) => value
    const client = new Client(registry.address, credentials.createInsecure(), { "grpc.enable_retries": 0 })
    return new Promise<Buffer>((resolve, reject) =>
      client.makeUnaryRequest(
        path,
        same,
        same,
        bytes,
        new Metadata(),
        { deadline: Date.now() + scaled(20_000) },
        (error, value) => (error ? reject(error) : resolve(value as Buffer)),
      ),
    ).finally(() => client.close())
  }

  /** A person in psql holds the table, so that reads of it wait. */
  async function withLockedTable(work: () => Promise<void>) {
    await registry.sql.begin(async (sql) => {
      await sql`lock table trust_chains in access exclusive mode`
      await work()
    })
  }
})

describe("every RPC while the database is busy", () => {
  it("fails with UNAVAILABLE, and the same delay in RetryInfo and pushback", async () => {
    const registry = await startRegistry({ databaseTimeoutMs: 200 })
    const connection = connectTo(registry.address)
    try {
      await registry.sql.begin(async (sql) => {
        await sql`lock table trust_chains in access exclusive mode`
        const error = await failureOf(connection.calls(TrustStoreService).getChain({ agentId: "a" }))
        expect(error.code).to.equal(Code.UNAVAILABLE)
        const { info, retry } = detailsOf(error)
        expect(info?.reason).to.equal("DATABASE_UNAVAILABLE")
        const ms = Number(retry?.retryDelay?.seconds) * 1000 + Number(retry?.retryDelay?.nanos) / 1e6
        expect(error.metadata.get("grpc-retry-pushback-ms")).to.deep.equal([String(ms)])
      })
    } finally {
      connection.close()
      await registry.stop()
    }
  })
})
