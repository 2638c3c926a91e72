import {
  AuthorityType,
  CapabilityType,
  ChainStatus,
  ConstraintType,
  chainFromDocument,
  documentFromChain,
  TrustChainInactiveError,
  TrustChainInvalidError,
  TrustChainNotFoundError,
  type TrustRegistry,
  TrustStoreError,
} from "@trust-registry/client"
import { jsonText, parseJson } from "@trust-registry/eatp"
import { expect } from "chai"
import { capability } from "../support/records.js"
import { registryChains } from "../support/registryChains.js"
import { sampleChain } from "../support/sample.js"
import { connectSdk } from "../support/sdk.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { until } from "../support/until.js"

/**
 * What the reference store's own tests and examples assert (EATP facts, section e), over a real channel through the SDK.
 * Where ours differs on purpose, the test says so.
 */
describe("behaviours of the reference store", () => {
  let server: TestRegistry
  let registry: TrustRegistry

  before(async () => {
    server = await startRegistry({ cacheMaxAgeMs: 60_000 })
    registry = connectSdk(server.address)
  })
  after(async () => {
    registry.close()
    await server.stop()
  })

  const chainOf = (agentId: string, authorityId = "org-acme", names = ["analyze"]) => ({
    genesis: { ...sampleChain(agentId).genesis, authorityId, authorityType: AuthorityType.ORGANIZATION },
    capabilities: names.map((name) => capability(name, { capabilityType: CapabilityType.ACTION })),
    constraintEnvelope: {
      id: `env-${agentId}`,
      agentId,
      activeConstraints: [
        {
          id: "con-1",
          constraintType: ConstraintType.FINANCIAL,
          valueJson: '{"max_api_calls": 1000}',
          source: "cap",
          priority: 0n,
        },
      ],
    },
  })
  const caught = async (call: Promise<unknown>) =>
    call.then(
      () => expect.fail("the call did not fail"),
      (error) => error as TrustStoreError,
    )

  it("1 stores and retrieves a chain", async () => {
    const { record, created } = await registry.storeChain({ chain: chainOf("agent-1") })
    expect({ created, agentId: record?.agentId }).to.deep.equal({ created: true, agentId: "agent-1" })
    const { chain } = await registry.getChain({ agentId: "agent-1" })
    expect(chain?.genesis?.agentId).to.equal("agent-1")
    expect(chain?.genesis?.authorityId).to.equal("org-acme")
    expect(chain?.capabilities).to.have.length(1)
  })

  it("2 replaces the row on a second store", async () => {
    await registry.storeChain({ chain: chainOf("agent-2") })
    const chain = chainOf("agent-2", "org-beta", ["analyze", "report"])
    const again = await registry.storeChain({ chain, allowNewAuthority: true })
    expect(again.created).to.equal(false)
    const { chain: stored, record } = await registry.getChain({ agentId: "agent-2" })
    expect(stored?.capabilities).to.have.length(2)
    // The reference's upsert leaves authority_id and expires_at as they were (section c, 9); ours replaces them.
    expect(record?.authorityId).to.equal("org-beta")
  })

  it("3 answers a repeated get from memory", async () => {
    const { record } = await registry.storeChain({ chain: chainOf("agent-3") })
    // What is read before the word of its own change comes round is not kept.
    await until("the change is known", async () => {
      const { feedRevision } = await registry.getServerInfo({})
      return feedRevision >= (record?.revision ?? 0n)
    })
    await registry.getChain({ agentId: "agent-3" })
    // Behind the triggers' back: of any other change memory would hear at once.
    await server.sql.begin(async (sql) => {
      await sql`alter table trust_chains disable trigger user`
      await sql`update trust_chains set authority_id = 'by-hand' where agent_id = 'agent-3'`
      await sql`alter table trust_chains enable trigger user`
    })
    expect((await registry.getChain({ agentId: "agent-3" })).record?.authorityId).to.equal("org-acme")
  })

  it("4 reports a missing chain", async () => {
    const error = await caught(registry.getChain({ agentId: "nobody" }))
    expect(error).to.be.instanceOf(TrustChainNotFoundError)
    expect(error.message).to.include("not found")
    expect(error).to.include({ reason: "TRUST_CHAIN_NOT_FOUND", agentId: "nobody" })
  })

  it("5 updates a chain", async () => {
    await registry.storeChain({ chain: chainOf("agent-5") })
    await registry.updateChain({ agentId: "agent-5", chain: chainOf("agent-5", "org-acme", ["a", "b"]) })
    expect((await registry.getChain({ agentId: "agent-5" })).chain?.capabilities).to.have.length(2)
    const missing = await caught(registry.updateChain({ agentId: "agent-5x", chain: chainOf("agent-5x") }))
    expect(missing).to.be.instanceOf(TrustChainNotFoundError)
    // The reference lets agent_id and chain disagree (section c, 8); ours refuses.
    const other = await caught(registry.updateChain({ agentId: "agent-5", chain: chainOf("agent-6") }))
    expect(other.reason).to.equal("INVALID_REQUEST")
  })

  it("6 soft-deletes a chain, and repeats without effect", async () => {
    await registry.storeChain({ chain: chainOf("agent-6") })
    const first = await registry.deleteChain({ agentId: "agent-6" })
    expect(await caught(registry.getChain({ agentId: "agent-6" }))).to.be.instanceOf(TrustChainNotFoundError)
    const shown = await registry.getChain({ agentId: "agent-6", includeInactive: true })
    expect(shown.record?.status).to.equal(ChainStatus.DELETED)
    // Not idempotent in the reference (section c, 12).
    expect(await registry.deleteChain({ agentId: "agent-6" })).to.deep.equal({ ...first, unchanged: true })
    // Storing a deleted chain revives it in the reference (section c, 10); ours asks for RestoreChain.
    expect(await caught(registry.storeChain({ chain: chainOf("agent-6") }))).to.be.instanceOf(
      TrustChainInactiveError,
    )
    const { record } = await registry.restoreChain({ agentId: "agent-6" })
    expect(record?.status).to.equal(ChainStatus.ACTIVE)
  })

  it("7 purges a chain, even a soft-deleted one", async () => {
    await registry.storeChain({ chain: chainOf("agent-7") })
    await registry.deleteChain({ agentId: "agent-7" })
    await registry.purgeChain({ agentId: "agent-7" })
    const gone = await caught(registry.getChain({ agentId: "agent-7", includeInactive: true }))
    expect(gone).to.be.instanceOf(TrustChainNotFoundError)
    expect((await registry.storeChain({ chain: chainOf("agent-7") })).created).to.equal(true)
  })

  it("8 to 11 lists, filters, pages and counts", async () => {
    const ids = Array.from({ length: 10 }, (_, i) => `list-${i}`)
    await Promise.all(
      ids.map((id, i) => registry.storeChain({ chain: chainOf(id, i % 2 ? "org-list" : "org-other") })),
    )
    const listed = async (filter: object) => {
      const found: string[] = []
      for await (const { record } of registry.listChains({ filter, pageSize: 3 }))
        found.push(record?.agentId ?? "")
      return found
    }
    expect(await listed({ agentIdPrefix: "list-" })).to.deep.equal(ids)
    expect(await listed({ authorityId: "org-list" })).to.deep.equal(ids.filter((_, i) => i % 2))
    expect((await registry.countChains({ filter: { agentIdPrefix: "list-" } })).count).to.equal(10n)
    expect((await registry.countChains({ filter: { authorityId: "org-list" } })).count).to.equal(5n)
    expect(Number((await registry.countChains({})).count)).to.be.at.least(10)
  })

  it("12 verifies integrity after a store", async () => {
    await registry.storeChain({ chain: chainOf("agent-12") })
    expect((await registry.verifyChainIntegrity({ agentId: "agent-12" })).verified).to.equal(true)
  })

  it("13 refuses an expired chain", async () => {
    const chain = chainOf("agent-13")
    const expired = { ...chain, genesis: { ...chain.genesis, expiresAt: "2020-01-01T00:00:00+00:00" } }
    const error = await caught(registry.storeChain({ chain: expired }))
    expect(error).to.be.instanceOf(TrustChainInvalidError)
    expect(error.message).to.include("expired")
    // The reference accepts naive expiries and fails later (section c, 16); ours refuses them.
    const naive = { ...chain, genesis: { ...chain.genesis, expiresAt: "2099-01-01T00:00:00" } }
    expect(await caught(registry.storeChain({ chain: naive }))).to.be.instanceOf(TrustChainInvalidError)
  })

  it("14 lists only active chains by default", async () => {
    await registry.storeChain({ chain: chainOf("only-1") })
    await registry.storeChain({ chain: chainOf("only-2") })
    await registry.deleteChain({ agentId: "only-2" })
    expect((await registry.countChains({ filter: { agentIdPrefix: "only-" } })).count).to.equal(1n)
    const all = { agentIdPrefix: "only-", includeInactive: true }
    expect((await registry.countChains({ filter: all })).count).to.equal(2n)
  })

  it("gives each error the fields and the cause of the reference's exceptions", async () => {
    const error = await caught(registry.deleteChain({ agentId: "nobody" }))
    expect(error).to.be.instanceOf(TrustStoreError)
    expect(error.method).to.include("DeleteChain")
    expect(error.cause).to.be.instanceOf(Error)
  })
})

describe("a registry written by the reference implementation", () => {
  let server: TestRegistry
  let registry: TrustRegistry
  const chains = registryChains()
  /** Numbers as written, keys in their order. */
  const lossless = (document: string) => jsonText(parseJson(document))

  before(async () => {
    server = await startRegistry()
    registry = connectSdk(server.address)
  })
  after(async () => {
    registry.close()
    await server.stop()
  })

  it("returns every chain as it was stored, with the reference's hashes", async () => {
    for (const { document, hash } of chains) {
      const { chain } = chainFromDocument(document)
      const { record } = await registry.storeChain({ chain, chainHash: hash })
      expect(record?.chainHash).to.equal(hash)
      const agentId = record?.agentId ?? ""
      expect((await registry.getChain({ agentId })).chain).to.deep.equal(chain)
    }
    const given = new Map<string, string>()
    for await (const { chain } of registry.listChains())
      if (chain) given.set(chain.genesis?.agentId ?? "", documentFromChain(chain))
    expect(given.size).to.equal(chains.length)
    for (const { document } of chains) {
      const agentId = chainFromDocument(document).chain.genesis?.agentId ?? ""
      expect(lossless(given.get(agentId) ?? "")).to.equal(lossless(document))
    }
  })

  it("verifies every chain", async () => {
    for await (const { record } of registry.listChains()) {
      const { verified, findings } = await registry.verifyChainIntegrity({ agentId: record?.agentId ?? "" })
      expect(verified, JSON.stringify(findings)).to.equal(true)
    }
  })
})
