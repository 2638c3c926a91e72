import { randomUUID } from "node:crypto"
import { status as Code } from "@grpc/grpc-js"
import {
  ChainOperation,
  ChainStatus,
  ChainStatusSchema,
  type DeleteChainResult,
  RevocationMode,
  RevocationService,
  TrustStoreService,
} from "@trust-registry/proto"
import { expect } from "chai"
import { connectTo, detailsIn, detailsOf, failureOf } from "../support/calls.js"
import { sampleChain } from "../support/sample.js"
import { startRegistry, type TestRegistry } from "../support/server.js"

describe("chain deletion", () => {
  let registry: TestRegistry
  let line: ReturnType<typeof connectTo>
  const calls = () => line.calls(TrustStoreService)

  before(async () => {
    registry = await startRegistry()
    line = connectTo(registry.address)
  })
  after(async () => {
    line.close()
    await registry.stop()
  })

  const store = async (...agentIds: string[]) => {
    for (const agentId of agentIds) await calls().storeChain({ chain: sampleChain(agentId) })
  }
  const revoke = (agentId: string, mode: RevocationMode = RevocationMode.IMMEDIATE) =>
    line.calls(RevocationService).revokeAgent({ agentId, mode })
  const statusOf = async (agentId: string) => {
    const { found } = await calls().batchGetChains({ agentIds: [agentId], includeInactive: true })
    return found[0]?.record?.status
  }
  const headOf = async () => {
    const rows = await registry.sql`select coalesce(max(revision), 0) as head from trust_chain_revisions`
    return Number(rows[0]?.head)
  }
  const reasonOf = async (call: Promise<unknown>) => detailsOf(await failureOf(call)).info?.reason

  describe("PurgeChain", () => {
    it("purges a chain of any status, keeps its hashes, and records a tombstone with its own revision", async () => {
      await store("active", "deleted", "suspended", "revoked")
      await calls().deleteChain({ agentId: "deleted" })
      await revoke("suspended", RevocationMode.SUSPEND)
      await revoke("revoked")
      for (const agentId of ["active", "deleted", "suspended", "revoked"]) {
        const [before] = (await calls().listChainRevisions({ agentId })).revisions
        const { record } = await calls().purgeChain({ agentId })
        expect((record?.revision ?? 0n) > (before?.stored?.record?.revision ?? 0n)).to.equal(true)
        expect(record?.contentHash).to.equal(before?.stored?.record?.contentHash)
        const { revisions } = await calls().listChainRevisions({ agentId })
        expect(revisions[0]?.operation).to.equal(ChainOperation.PURGED)
        expect(revisions[0]?.stored?.record).to.deep.equal(record)
        for (const { stored } of revisions) expect(stored?.chain).to.equal(undefined)
        const gone = calls().getChain({ agentId, includeInactive: true })
        expect(await reasonOf(gone)).to.equal("TRUST_CHAIN_NOT_FOUND")
        expect(await reasonOf(calls().purgeChain({ agentId }))).to.equal("TRUST_CHAIN_NOT_FOUND")
        expect(await reasonOf(calls().restoreChain({ agentId }))).to.equal("TRUST_CHAIN_NOT_FOUND")
      }
      for (const agentId of ["active", "deleted"])
        expect((await calls().storeChain({ chain: sampleChain(agentId) })).created).to.equal(true)
      for (const agentId of ["suspended", "revoked"])
        expect(await reasonOf(calls().storeChain({ chain: sampleChain(agentId) }))).to.equal(
          "TRUST_CHAIN_REVOKED",
        )
    })

    it("checks expected_revision, and applies a request_id once", async () => {
      await store("once")
      const { record } = (await calls().getChain({ agentId: "once" })).stored ?? {}
      const revision = record?.revision ?? 0n
      const stale = detailsOf(
        await failureOf(calls().purgeChain({ agentId: "once", expectedRevision: revision + 1n })),
      )
      expect(stale.info).to.deep.include({
        reason: "REVISION_CONFLICT",
        metadata: { expected_revision: `${revision + 1n}`, revision: `${revision}` },
      })
      const request = { agentId: "once", expectedRevision: revision, requestId: randomUUID() }
      const purged = await calls().purgeChain(request)
      expect(await calls().purgeChain(request)).to.deep.equal(purged)
      await store("once")
      expect(await calls().purgeChain(request)).to.deep.equal(purged)
      expect(await statusOf("once")).to.equal(ChainStatus.ACTIVE)
      const soft = calls().deleteChain({ agentId: "once", requestId: request.requestId })
      expect(await reasonOf(soft)).to.equal("REQUEST_ID_REUSED")
      const none = calls().purgeChain({ agentId: "once", expectedRevision: 0n })
      const { info, badRequest } = detailsOf(await failureOf(none))
      expect(info?.reason).to.equal("INVALID_REQUEST")
      expect(badRequest?.fieldViolations[0]?.field).to.equal("expected_revision")
    })
  })

  it("says when a chain was deleted or active before, but not of a retry", async () => {
    await store("twice")
    const request = { agentId: "twice", requestId: randomUUID() }
    const deleted = await calls().deleteChain(request)
    expect(deleted.unchanged).to.equal(false)
    expect(await calls().deleteChain(request)).to.deep.equal(deleted)
    expect(await calls().deleteChain({ agentId: "twice" })).to.deep.equal({ ...deleted, unchanged: true })
    for (const atomic of [false, true]) {
      const { results } = await calls().batchDeleteChains({ agentIds: ["twice"], atomic })
      expect(results.map(({ unchanged }) => unchanged)).to.deep.equal([true])
    }
    const restored = await calls().restoreChain({ agentId: "twice" })
    expect(restored.unchanged).to.equal(false)
    expect(await calls().restoreChain({ agentId: "twice" })).to.deep.equal({ ...restored, unchanged: true })
  })

  describe("BatchDeleteChains", () => {
    const deleteAll = async (request: Parameters<ReturnType<typeof calls>["batchDeleteChains"]>[0]) =>
      (await calls().batchDeleteChains(request)).results

    it("deletes each chain as DeleteChain does, with results in the order of agent_ids", async () => {
      await store("each-a", "each-b", "each-c", "each-d", "each-e")
      const before = await calls().deleteChain({ agentId: "each-b" })
      await revoke("each-c")
      await revoke("each-d", RevocationMode.SUSPEND)
      const agentIds = ["each-e", "nobody", "each-c", "each-b", "each-d", "each-a"]
      const results = await deleteAll({ agentIds })
      expect(results.map(said)).to.deep.equal([
        "DELETED each-e",
        "TRUST_CHAIN_NOT_FOUND nobody",
        "TRUST_CHAIN_REVOKED each-c",
        "DELETED each-b",
        "TRUST_CHAIN_INACTIVE each-d",
        "DELETED each-a",
      ])
      expect(recordOf(results[3]), "deleted before").to.deep.equal(before.record)
      for (const place of [0, 5]) {
        const agentId = agentIds[place] ?? ""
        const { stored } = await calls().getChain({ agentId, includeInactive: true })
        expect(recordOf(results[place])).to.deep.equal(stored?.record)
      }
      // The very status that a call for it alone fails with.
      for (const place of [1, 2, 4]) {
        const alone = await failureOf(calls().deleteChain({ agentId: agentIds[place] ?? "" }))
        expect(errorOf(results[place])).to.deep.equal(detailsOf(alone).status)
      }
    })

    it("purges each chain as PurgeChain does", async () => {
      await store("purge-a", "purge-b")
      await calls().deleteChain({ agentId: "purge-b" })
      const results = await deleteAll({ agentIds: ["purge-b", "nobody", "purge-a"], purge: true })
      expect(results.map(said)).to.deep.equal([
        "DELETED purge-b",
        "TRUST_CHAIN_NOT_FOUND nobody",
        "DELETED purge-a",
      ])
      for (const agentId of ["purge-a", "purge-b"]) {
        const [last] = (await calls().listChainRevisions({ agentId })).revisions
        expect(last?.operation).to.equal(ChainOperation.PURGED)
        expect(await statusOf(agentId)).to.equal(undefined)
      }
    })

    for (const purge of [false, true])
      it(`is all or nothing when atomic${purge ? ", with purge" : ""}`, async () => {
        const ids = ["x", "y", "z"].map((name) => `whole-${purge}-${name}`)
        await store(...ids)
        const before = await headOf()
        const refused = await deleteAll({ agentIds: [...ids, "nobody"], atomic: true, purge })
        expect(refused.map(said)).to.deep.equal([
          ...ids.map((id) => `BATCH_REFUSED ${id}`),
          "TRUST_CHAIN_NOT_FOUND nobody",
        ])
        expect(errorOf(refused[0]).code).to.equal(Code.ABORTED)
        expect(errorOf(refused[0]).message).to.contain("agent_ids[3]")
        expect(await headOf()).to.equal(before)
        for (const id of ids) expect(await statusOf(id)).to.equal(ChainStatus.ACTIVE)
        const done = await deleteAll({ agentIds: ids, atomic: true, purge })
        expect(done.map(said)).to.deep.equal(ids.map((id) => `DELETED ${id}`))
        const revisions = done.map((result) => Number(recordOf(result)?.revision))
        expect(revisions, "with none between").to.deep.equal(ids.map((_, i) => (revisions[0] ?? 0) + i))
        const rows = await registry.sql`
          select distinct xmin::text from trust_chain_revisions where revision > ${before}`
        expect(rows, "one transaction").to.have.length(1)
      })

    it("refuses an atomic batch if one of its chains is revoked", async () => {
      await store("good-1", "bad", "good-2")
      await revoke("bad")
      const results = await deleteAll({ agentIds: ["good-1", "bad", "good-2"], atomic: true })
      expect(results.map(said)).to.deep.equal([
        "BATCH_REFUSED good-1",
        "TRUST_CHAIN_REVOKED bad",
        "BATCH_REFUSED good-2",
      ])
      expect(await statusOf("good-1")).to.equal(ChainStatus.ACTIVE)
    })

    it("returns each first result again when the batch is retried", async () => {
      for (const [atomic, purge] of [
        [false, false],
        [false, true],
        [true, false],
        [true, true],
      ] as const) {
        const agentIds = ["p", "q"].map((name) => `again-${atomic}-${purge}-${name}`)
        await store(...agentIds)
        const request = { agentIds, atomic, purge, requestId: randomUUID() }
        const first = await deleteAll(request)
        expect(first.map(said)).to.deep.equal(agentIds.map((id) => `DELETED ${id}`))
        const head = await headOf()
        expect(await deleteAll(request)).to.deep.equal(first)
        expect(await headOf()).to.equal(head)
        // After others changed them too, and in another order or number.
        for (const agentId of agentIds)
          await (purge
            ? store(agentId)
            : calls()
                .restoreChain({ agentId })
                .then(() => undefined))
        expect(await deleteAll(request)).to.deep.equal(first)
        expect(await deleteAll({ ...request, agentIds: agentIds.slice(1) })).to.deep.equal(first.slice(1))
        for (const agentId of agentIds) expect(await statusOf(agentId)).to.equal(ChainStatus.ACTIVE)
        const other = await deleteAll({ ...request, purge: !purge })
        expect(other.map((result) => said(result).split(" ")[0])).to.deep.equal([
          "REQUEST_ID_REUSED",
          "REQUEST_ID_REUSED",
        ])
      }
    })

    it("refuses more than 1,000 ids, invalid ids, duplicates, and a request_id that is not a UUID", async () => {
      const violationsOf = async (request: Parameters<typeof deleteAll>[0]) => {
        const failure = await failureOf(deleteAll(request))
        expect(failure.code).to.equal(Code.INVALID_ARGUMENT)
        const { info, badRequest } = detailsOf(failure)
        expect(info?.reason).to.equal("INVALID_REQUEST")
        return (badRequest?.fieldViolations ?? []).map(({ field, description }) => `${field} ${description}`)
      }
      await store("stays")
      for (const atomic of [false, true]) {
        const many = ["stays", ...Array.from({ length: 1_000 }, (_, i) => `a-${i}`)]
        expect(await violationsOf({ agentIds: many, atomic })).to.deep.equal([
          "agent_ids has 1001 ids; at most 1000 are allowed",
        ])
        expect(
          await violationsOf({ agentIds: ["stays", "", "stays", "c".repeat(513)], atomic }),
        ).to.deep.equal([
          "agent_ids[1] is empty",
          "agent_ids[2] repeats agent_ids[0]",
          "agent_ids[3] is 513 bytes long; at most 512 are allowed",
        ])
        const [first] = await violationsOf({ agentIds: ["stays"], requestId: "7", atomic })
        expect(first).to.match(/^request_id /)
        expect(await deleteAll({ agentIds: [], atomic })).to.deep.equal([])
      }
      expect(await statusOf("stays")).to.equal(ChainStatus.ACTIVE)
    })

    it("deletes 1,000 chains at once, and logs the count", async () => {
      const ids = Array.from({ length: 1_000 }, (_, i) => `bulk-${i}`)
      await calls().batchStoreChains({ requests: ids.map((id) => ({ chain: sampleChain(id) })) })
      const results = await deleteAll({ agentIds: [...ids.slice(1), "nobody"], requestId: randomUUID() })
      expect(results.map(said)).to.deep.equal([
        ...ids.slice(1).map((id) => `DELETED ${id}`),
        "TRUST_CHAIN_NOT_FOUND nobody",
      ])
      const rest = { agentIdPrefix: "bulk-" }
      expect((await calls().countChains({ filter: rest })).count).to.equal(1n)
      const told = registry.log.filter(({ method }) => String(method).endsWith("/BatchDeleteChains")).at(-1)
      expect(told).to.include({ code: "OK", deleted: 999, refused: 1 })
    })

    it("keeps 1,000 refusals below 4 MiB, however long the ids are", async () => {
      const agentIds = Array.from({ length: 1_000 }, (_, i) => `${i}-`.padEnd(256, "ü"))
      for (const atomic of [false, true]) {
        const results = await deleteAll({ agentIds, atomic })
        expect(results.map((result) => detailsIn(errorOf(result)).info?.reason)).to.deep.equal(
          agentIds.map(() => "TRUST_CHAIN_NOT_FOUND"),
        )
      }
    })
  })
})

/** A result in short: the status and agent of the record, or the reason and the agent. */
function said(result: DeleteChainResult | undefined): string {
  const record = recordOf(result)
  if (record) return `${ChainStatusSchema.value[record.status]?.localName} ${record.agentId}`
  const { info, resource } = detailsIn(errorOf(result))
  return `${info?.reason} ${resource?.resourceName}`
}

function recordOf(result: DeleteChainResult | undefined) {
  return result?.result.case === "record" ? result.result.value : undefined
}

function errorOf(result: DeleteChainResult | undefined) {
  if (result?.result.case !== "error") throw new Error("the chain was deleted")
  return result.result.value
}
