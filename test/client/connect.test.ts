import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import {
  type AuthorityType,
  CapabilityType,
  chainFromDocument,
  contentHash,
  documentFromChain,
  InvalidRequestError,
  RevisionConflictError,
  type StoredChain,
  status,
  TrustChainExpiredError,
  TrustChainInactiveError,
  TrustChainInvalidError,
  TrustChainNotFoundError,
  TrustChainRevokedError,
  type TrustRegistry,
  TrustStoreError,
  timestampFromDate,
} from "@trust-registry/client"
import { expect } from "chai"
import { sampleChain } from "../support/sample.js"
import { connectSdk } from "../support/sdk.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { scaled } from "../support/slowness.js"
import { until } from "../support/until.js"

const AGENT = "agent with a space, ü and \u{1F600}"

describe("the client", () => {
  let server: TestRegistry
  let registry: TrustRegistry

  before(async () => {
    server = await startRegistry({ logLevel: "error" })
    registry = connectSdk(server.address)
    await registry.waitForReady()
  })

  after(async () => {
    registry.close()
    await server.stop()
  })

  it("stores, gets, updates, deletes, restores and verifies a chain", async () => {
    const chain = sampleChain(AGENT)
    const stored = await registry.storeChain({ chain })
    expect(stored).to.include({ created: true })
    const got = await registry.getChain({ agentId: AGENT })
    expect(got.chain?.genesis).to.include(chain.genesis)
    expect(got.record).to.deep.equal(stored.record)

    const capability = {
      id: "cap-1",
      capability: "read",
      capabilityType: CapabilityType.ACCESS,
      attesterId: "org-acme",
    }
    const capabilities = [{ ...capability, attestedAt: "2026-01-01T00:00:00", signature: "eA==" }]
    const updated = await registry.updateChain({ agentId: AGENT, chain: { ...chain, capabilities } })
    expect(updated.record?.revision).to.satisfy(
      (revision: bigint) => revision > present(stored.record).revision,
    )
    expect((await registry.getChain({ agentId: AGENT })).chain?.capabilities).to.have.length(1)

    await registry.deleteChain({ agentId: AGENT })
    const error = await failureOf(registry.getChain({ agentId: AGENT }))
    expect(error).to.be.instanceOf(TrustChainNotFoundError)
    expect(error.message).to.contain("is deleted")
    await registry.restoreChain({ agentId: AGENT })
    const { verified, findings } = await registry.verifyChainIntegrity({ agentId: AGENT })
    expect(findings.filter(({ passed }) => !passed)).to.deep.equal([])
    expect(verified).to.equal(true)
    expect((await registry.countChains({})).count).to.equal(1n)
    await registry.purgeChain({ agentId: AGENT })
    expect((await registry.countChains({ filter: { includeInactive: true } })).count).to.equal(0n)
  })

  it("stores EATP documents and returns them with the same hashes", async () => {
    for (const line of vectors()) {
      const { chain } = chainFromDocument(line)
      const { record } = await registry.storeChain({ chain })
      const got = await registry.getChain({ agentId: record?.agentId ?? "" })
      expect(contentHash(present(got.chain))).to.equal(record?.contentHash)
      expect(documentFromChain(present(got.chain))).to.equal(documentFromChain(chain))
      await registry.purgeChain({ agentId: record?.agentId ?? "" })
    }
  })

  it("adds a request_id to writes without one, and keeps the caller's", async () => {
    const requestId = "5f0c7a52-9a1e-4f52-8a53-1df0a8a6a6a4"
    const chain = sampleChain("request-ids")
    const first = await registry.storeChain({ chain, requestId })
    expect((await registry.storeChain({ chain, requestId })).record).to.deep.equal(first.record)
    const error = await failureOf(registry.deleteChain({ agentId: "request-ids", requestId }))
    expect(error).to.include({ reason: "REQUEST_ID_REUSED", code: status.INVALID_ARGUMENT })
    await registry.deleteChain({ agentId: "request-ids" })
    const [row] = await server.sql`select request_id from trust_chains where agent_id = 'request-ids'`
    expect(row?.request_id)
      .to.match(/^[0-9a-f-]{36}$/)
      .and.not.equal(requestId)
  })

  describe("throws a typed error for", () => {
    it("an unknown agent", async () => {
      const error = await failureOf(registry.getChain({ agentId: "nobody" }))
      expect(error).to.be.instanceOf(TrustChainNotFoundError).and.instanceOf(TrustStoreError)
      expect(error).to.include({
        name: "TrustChainNotFoundError",
        code: status.NOT_FOUND,
        reason: "TRUST_CHAIN_NOT_FOUND",
        agentId: "nobody",
        method: "trustregistry.v1.TrustStoreService.GetChain",
      })
      expect(error.cause).to.be.instanceOf(Error)
      expect(error.details.map((detail) => detail.$typeName)).to.have.members([
        "google.rpc.ErrorInfo",
        "google.rpc.ResourceInfo",
      ])
    })

    it("a chain that breaks rules, with each field", async () => {
      const chain = sampleChain("invalid")
      const genesis = {
        ...chain.genesis,
        authorityType: 99 as number as AuthorityType,
        createdAt: "yesterday",
      }
      const error = await failureOf(registry.storeChain({ chain: { genesis } }))
      expect(error).to.be.instanceOf(TrustChainInvalidError)
      const fields = (error as TrustChainInvalidError).violations.map((violation) => violation.field)
      expect(fields).to.have.members(["chain.genesis.authority_type", "chain.genesis.created_at"])
    })

    it("text that cannot be sent, without calling the registry", async () => {
      const chain = sampleChain("surrogate")
      const genesis = { ...chain.genesis, id: "gen-\ud800" }
      const inChain = await failureOf(registry.storeChain({ chain: { genesis } }))
      expect(inChain).to.be.instanceOf(TrustChainInvalidError)
      expect(inChain).to.include({ code: status.INVALID_ARGUMENT, reason: "TRUST_CHAIN_INVALID" })
      expect((inChain as TrustChainInvalidError).violations[0]).to.include({ field: "chain.genesis.id" })
      const elsewhere = await failureOf(registry.getChain({ agentId: "\udc00" }))
      expect(elsewhere).to.be.instanceOf(InvalidRequestError).and.include({ reason: "INVALID_REQUEST" })
      expect((elsewhere as InvalidRequestError).violations[0]?.field).to.equal("agent_id")
    })

    it("a request that breaks rules", async () => {
      const error = await failureOf(registry.listChains({ pageSize: -1 }).page())
      expect(error).to.be.instanceOf(InvalidRequestError)
      expect((error as InvalidRequestError).violations[0]?.field).to.equal("page_size")
    })

    it("a revision that is not the expected one", async () => {
      const chain = sampleChain("conflict")
      const { record } = await registry.storeChain({ chain })
      const error = await failureOf(registry.storeChain({ chain, expectedRevision: 0n }))
      expect(error).to.be.instanceOf(RevisionConflictError).and.include({ code: status.ABORTED })
      expect(error).to.include({ expected: 0n, revision: record?.revision })
    })

    it("a write to an inactive chain", async () => {
      const chain = sampleChain("deleted")
      await registry.storeChain({ chain })
      await registry.deleteChain({ agentId: "deleted" })
      const error = await failureOf(registry.storeChain({ chain }))
      expect(error).to.be.instanceOf(TrustChainInactiveError).and.include({ agentId: "deleted" })
      expect((error as TrustChainInactiveError).status).to.equal("DELETED")
      expect(error).to.include({ reason: "TRUST_CHAIN_INACTIVE", code: status.FAILED_PRECONDITION })
      await registry.purgeChain({ agentId: "deleted" })
      await registry.storeChain({ chain })
      await registry.revokeAgent({ agentId: "deleted" })
      const revoked = await failureOf(registry.storeChain({ chain }))
      expect(revoked).to.be.instanceOf(TrustChainRevokedError).and.include({
        agentId: "deleted",
        reason: "TRUST_CHAIN_REVOKED",
        code: status.FAILED_PRECONDITION,
      })
      expect(revoked).not.to.be.instanceOf(TrustChainInactiveError)
    })

    it("an expired chain", async () => {
      const expiresAt = timestampFromDate(new Date(Date.now() + scaled(500)))
      await registry.storeChain({ chain: sampleChain("expired"), expiresAt })
      const error = await until("it has expired", () => failureOf(registry.getChain({ agentId: "expired" })))
      expect(error).to.be.instanceOf(TrustChainExpiredError).and.include({ agentId: "expired" })
      const late = await failureOf(registry.storeChain({ chain: sampleChain("expired"), expiresAt }))
      expect(late).to.be.instanceOf(TrustChainInvalidError)
      expect(late.message).to.contain("expired")
    })
  })

  describe("lists", () => {
    const ids = Array.from({ length: 25 }, (_, i) => `listed-${String(i).padStart(2, "0")}`)
    const filter = { agentIdPrefix: "listed-" }

    before(() => Promise.all(ids.map((id) => registry.storeChain({ chain: sampleChain(id) }))))

    it("all chains of all pages", async () => {
      const found: string[] = []
      for await (const { chain, record } of registry.listChains({ filter, pageSize: 10 })) {
        expect(chain?.genesis?.agentId).to.equal(record?.agentId)
        found.push(record?.agentId ?? "")
      }
      expect(found).to.deep.equal(ids)
    })

    it("page by page, from a token, applying an offset once", async () => {
      const sizes: number[] = []
      for await (const page of registry.listChains({ filter, pageSize: 10 }).pages()) {
        sizes.push(page.chains.length)
      }
      expect(sizes).to.deep.equal([10, 10, 5])
      const { nextPageToken } = await registry.listChains({ filter, pageSize: 10 }).page()
      const rest = registry.listChains({ filter, pageSize: 10, pageToken: nextPageToken })
      expect(await agentIds(rest)).to.deep.equal(ids.slice(10))
      const later = registry.listChains({ filter, pageSize: 10, offset: 3 })
      expect(await agentIds(later)).to.deep.equal(ids.slice(3))
    })

    it("rows that do not parse, as records without a chain", async () => {
      await server.sql`update trust_chains set chain_data = '{"genesis": 5}' where agent_id = 'listed-05'`
      const unread: string[] = []
      for await (const { chain, record, unreadable } of registry.listChains({ filter, pageSize: 10 })) {
        expect(unreadable).to.equal(!chain)
        if (!chain) unread.push(record?.agentId ?? "")
      }
      expect(unread).to.deep.equal(["listed-05"])
      expect(await agentIds(registry.listChains({ filter, pageSize: 10 }))).to.have.members(ids)
      const error = await failureOf(registry.getChain({ agentId: "listed-05" }))
      expect(error).to.include({ reason: "TRUST_CHAIN_CORRUPT", agentId: "listed-05" })
    })

    it("and stops when the caller stops iterating", async () => {
      for await (const { record } of registry.listChains({ filter, pageSize: 1 })) {
        if (record?.agentId === "listed-02") return
      }
      expect.fail("it did not come by")
    })
  })

  it("reports the registry's health", async () => {
    expect(await registry.checkHealth()).to.equal("SERVING")
    expect(await registry.checkHealth("trustregistry.v1.TrustStoreService")).to.equal("SERVING")
    expect(await registry.checkHealth("no.such.Service")).to.equal("SERVICE_UNKNOWN")
  })
})

function vectors() {
  const file = fileURLToPath(new URL("../vectors/chains.jsonl", import.meta.url))
  return readFileSync(file, "utf8").split("\n").filter(Boolean)
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("it is missing")
  return value
}

async function agentIds(list: AsyncIterable<StoredChain>) {
  const ids: string[] = []
  for await (const { record } of list) ids.push(record?.agentId ?? "")
  return ids
}

async function failureOf(call: Promise<unknown>): Promise<TrustStoreError> {
  const outcome = await call.then(
    () => undefined,
    (error) => error,
  )
  if (outcome === undefined) throw new Error("the call did not fail")
  return outcome
}
