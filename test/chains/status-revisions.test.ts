import { RevocationMode, RevocationService, TrustStoreService } from "@trust-registry/proto"
import { expect } from "chai"
import { detailsOf, failureOf } from "../support/calls.js"
import { seen } from "../support/events.js"
import { sampleChain } from "../support/sample.js"
import { until } from "../support/until.js"
import { withRegistryForEach } from "../support/withRegistry.js"

const agentId = "agent"

describe("a change of status", () => {
  const { registry, line } = withRegistryForEach({ historyRetentionMs: 0 })
  const calls = () => line.calls(TrustStoreService)
  const revocations = () => line.calls(RevocationService)
  const chainOf = (n: number) => ({
    genesis: { ...sampleChain(agentId).genesis, metadataJson: `{"n":${n}}` },
  })
  const suspendAndLift = async () => {
    const { revocation } = await revocations().revokeAgent({ agentId, mode: RevocationMode.SUSPEND })
    await revocations().liftSuspension({ revocationId: revocation?.revocationId ?? "" })
  }
  const changes = async () => {
    await calls().storeChain({ chain: chainOf(1) })
    await suspendAndLift()
    await calls().deleteChain({ agentId })
    await calls().restoreChain({ agentId })
    await calls().storeChain({ chain: chainOf(2) })
    await suspendAndLift()
  }
  const documents = async () =>
    (
      await registry.sql`select chain_data is not null as has from trust_chain_revisions order by revision`
    ).map(({ has }) => has)
  const revisions = async () => (await calls().listChainRevisions({ agentId })).revisions.reverse()
  const told = [1, 1, 1, 1, 1, 2, 2, 2].map((n) => `{"n":${n}}`)

  it("copies no document into history", async () => {
    await changes()
    expect(await documents()).to.deep.equal([true, false, false, false, false, true, false, false])
  })

  it("is read with its document, by revision, as a list, an export and a watch, and is sound", async () => {
    await changes()
    const listed = await revisions()
    expect(listed.map(({ stored }) => stored?.chain?.genesis?.metadataJson)).to.deep.equal(told)
    for (const { stored } of listed) {
      const consistency = {
        requirement: { case: "atRevision", value: stored?.record?.revision ?? 0n },
      } as const
      const past = await calls().getChain({ agentId, includeInactive: true, consistency })
      expect(past.stored).to.deep.equal(stored)
      const page = await calls().listChains({ filter: { includeInactive: true }, view: 2, consistency })
      expect(page.chains[0]?.chain).to.deep.equal(stored?.chain)
    }
    const watched: unknown[] = []
    for await (const { events } of calls().watchChains({
      startRevision: 1n,
      filter: { includeInactive: true },
    })) {
      watched.push(...events.map(seen).flatMap(({ chain }) => chain?.genesis?.metadataJson ?? []))
      if (watched.length >= told.length) break
    }
    expect(watched).to.deep.equal(told)
    expect((await calls().verifyChainIntegrity({ agentId })).verified).to.equal(true)
  })

  it("has no document after a purge", async () => {
    await changes()
    await calls().purgeChain({ agentId })
    expect((await revisions()).map(({ stored }) => stored?.chain)).to.deep.equal(Array(9).fill(undefined))
    const consistency = { requirement: { case: "atRevision", value: 4n } } as const
    expect(detailsOf(await failureOf(calls().getChain({ agentId, consistency }))).info?.reason).to.equal(
      "TRUST_CHAIN_NOT_FOUND",
    )
  })

  it("by hand has a document of its own if the document was set", async () => {
    await calls().storeChain({ chain: chainOf(1) })
    await registry.sql`update trust_chains set status = 'deleted', document_revision = 99`
    await registry.sql`update trust_chains set chain_data = jsonb_set(chain_data, '{genesis,metadata_json}', '"{}"')`
    expect(await documents()).to.deep.equal([true, false, true])
    expect((await revisions()).map(({ stored }) => stored?.chain?.genesis?.metadataJson)).to.deep.equal([
      told[0],
      told[0],
      "{}",
    ])
  })

  it("refers to the last revision of a chain that was stored before there were references", async () => {
    await calls().storeChain({ chain: chainOf(1) })
    await registry.sql.begin(async (sql) => {
      await sql`alter table trust_chains disable trigger user`
      await sql`update trust_chains set document_revision = null`
      await sql`alter table trust_chains enable trigger user`
    })
    await suspendAndLift()
    expect(await documents()).to.deep.equal([true, false, false])
    expect((await revisions()).map(({ stored }) => stored?.chain?.genesis?.metadataJson)).to.deep.equal(
      told.slice(0, 3),
    )
  })
})

describe("a change of status that is kept", () => {
  const { registry, line } = withRegistryForEach({ historyRetentionMs: 1_000 })
  const calls = () => line.calls(TrustStoreService)

  it("keeps its document, but not the change that brought it, until the document is replaced", async () => {
    const { record } = await calls().storeChain({ chain: sampleChain(agentId) })
    for (let round = 0; round < 3; round++) {
      await calls().deleteChain({ agentId })
      await calls().restoreChain({ agentId })
    }
    const { record: last } = await calls()
      .getChain({ agentId })
      .then(({ stored }) => ({ record: stored?.record }))
    await calls().storeChain({ chain: sampleChain("later") })
    const kept = () =>
      registry.sql`select revision from trust_chain_revisions where agent_id = ${agentId} order by 1`
    await until("the history is compacted", async () => (await kept()).length === 2)
    expect((await kept()).map(({ revision }) => BigInt(revision))).to.deep.equal([
      record?.revision,
      last?.revision,
    ])
    const { revisions } = await calls().listChainRevisions({ agentId })
    expect(revisions.map(({ stored }) => stored?.record?.revision)).to.deep.equal([last?.revision])
    expect(revisions[0]?.stored?.chain).to.deep.equal((await calls().getChain({ agentId })).stored?.chain)
    expect((await calls().verifyChainIntegrity({ agentId })).verified).to.equal(true)
    await calls().storeChain({ chain: { ...sampleChain(agentId), capabilities: [] } })
    await calls().storeChain({ chain: sampleChain("later") })
    await until("both are removed", async () => (await kept()).length === 1)
  })
})
