import { randomUUID } from "node:crypto"
import { create, toBinary } from "@bufbuild/protobuf"
import { status as Code } from "@grpc/grpc-js"
import { usualPermissions } from "@trust-registry/eatp"
import {
  AuthorityService,
  AuthorityType,
  SignatureStatus,
  type Status,
  StatusSchema,
  type StoreChainResult,
  type TrustLineageChain,
  TrustLineageChainSchema,
  TrustStoreService,
} from "@trust-registry/proto"
import { expect } from "chai"
import { connectTo, detailsIn, detailsOf, failureOf } from "../support/calls.js"
import { capability, delegation } from "../support/records.js"
import { sampleChain } from "../support/sample.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { signerOf, trustWorld, type World } from "../support/trustWorld.js"

describe("bulk calls", () => {
  let registry: TestRegistry
  let line: ReturnType<typeof connectTo>
  const chains = () => line.calls(TrustStoreService)

  before(async () => {
    registry = await startRegistry()
    line = connectTo(registry.address)
    for (const id of ["org-a", "org-b"]) {
      const keys = [{ keyId: "1", publicKey: signerOf(id).publicKey }]
      await line.calls(AuthorityService).registerAuthority({
        authority: {
          id,
          name: id,
          authorityType: AuthorityType.ORGANIZATION,
          keys,
          permissions: usualPermissions(),
        },
      })
    }
  })
  after(async () => {
    line.close()
    await registry.stop()
  })

  const chainOf = (agentId: string) => create(TrustLineageChainSchema, sampleChain(agentId))
  const violationsOf = async (call: Promise<unknown>) => {
    const failure = await failureOf(call)
    expect(failure.code).to.equal(Code.INVALID_ARGUMENT)
    const { info, badRequest } = detailsOf(failure)
    expect(info?.reason).to.equal("INVALID_REQUEST")
    return (badRequest?.fieldViolations ?? []).map(({ field, description }) => `${field} ${description}`)
  }
  const headOf = async () => {
    const rows = await registry.sql`select coalesce(max(revision), 0) as head from trust_chain_revisions`
    return Number(rows[0]?.head)
  }

  describe("BatchGetChains", () => {
    it("returns each chain as GetChain does, in request order, and names the missing ones", async () => {
      for (const id of ["get-b", "get-a", "get-gone"]) await chains().storeChain({ chain: chainOf(id) })
      await chains().deleteChain({ agentId: "get-gone" })
      await chains().storeChain({ chain: chainOf("get-late") })
      await registry.sql`update trust_chains set expires_at = now() - interval '1 s' where agent_id = 'get-late'`
      const agentIds = ["get-b", "nobody", "get-gone", "get-a", "get-late"]
      const answer = await chains().batchGetChains({ agentIds })
      expect(answer.found.map(({ record }) => record?.agentId)).to.deep.equal(["get-b", "get-a"])
      expect(answer.found[1]).to.deep.equal((await chains().getChain({ agentId: "get-a" })).stored)
      expect(answer.missing).to.deep.equal(["nobody", "get-gone", "get-late"])
      const all = await chains().batchGetChains({ agentIds, includeInactive: true })
      expect(all.found).to.have.length(4)
      expect(all.missing).to.deep.equal(["nobody"])
      expect((await chains().batchGetChains({})).found).to.deep.equal([])
    })

    it("reports rows that do not parse, and returns the rest", async () => {
      for (const id of ["row-1", "row-2", "row-3"]) await chains().storeChain({ chain: chainOf(id) })
      await registry.sql`update trust_chains set chain_data = '{"genesis": 5}' where agent_id = 'row-2'`
      const answer = await chains().batchGetChains({ agentIds: ["row-1", "row-2", "row-3"] })
      expect(answer.found.map(({ record }) => record?.agentId)).to.deep.equal(["row-1", "row-3"])
      expect(answer.unreadable).to.deep.equal(["row-2"])
    })

    it("returns at most 3 MiB, and names the chains left to request again", async () => {
      const agentIds = Array.from({ length: 150 }, (_, i) => `large-${String(i).padStart(3, "0")}`)
      const text = "x".repeat(60_000)
      for (const agentId of agentIds) {
        const { genesis } = sampleChain(agentId)
        await chains().storeChain({ chain: { genesis: { ...genesis, metadataJson: `{"text":"${text}"}` } } })
      }
      const seen: (string | undefined)[] = []
      let calls = 0
      for (let remaining = agentIds; remaining.length > 0; calls++) {
        const answer = await chains().batchGetChains({ agentIds: remaining })
        seen.push(...answer.found.map(({ record }) => record?.agentId))
        remaining = answer.remaining
      }
      expect(seen).to.deep.equal(agentIds)
      expect(calls).to.equal(3)
    })

    it("refuses more than 1,000 ids, invalid ids and duplicates, by index", async () => {
      const many = Array.from({ length: 1_001 }, (_, i) => `a-${i}`)
      expect(await violationsOf(chains().batchGetChains({ agentIds: many }))).to.deep.equal([
        "agent_ids has 1001 ids; at most 1000 are allowed",
      ])
      const agentIds = ["a", "", "b", "a", "c".repeat(513)]
      expect(await violationsOf(chains().batchGetChains({ agentIds }))).to.deep.equal([
        "agent_ids[1] is empty",
        "agent_ids[3] repeats agent_ids[0]",
        "agent_ids[4] is 513 bytes long; at most 512 are allowed",
      ])
    })
  })

  describe("BatchStoreChains", () => {
    const storeAll = async (
      requests: Parameters<ReturnType<typeof chains>["batchStoreChains"]>[0]["requests"],
      atomic = false,
    ) => (await chains().batchStoreChains({ requests: requests ?? [], atomic })).results

    it("stores each chain as StoreChain does, with results in request order", async () => {
      await chains().storeChain({ chain: chainOf("each-b") })
      const results = await storeAll([
        { chain: chainOf("each-a") },
        { chain: { genesis: { ...sampleChain("each-x").genesis, createdAt: "yesterday" } } },
        { chain: chainOf("each-b") },
        {},
        { chain: chainOf("each-c"), expectedRevision: 5n },
        { chain: chainOf("each-d"), requestId: "7" },
        { chain: chainOf("each-e"), chainHash: "00" },
        { chain: chainOf("each-f"), expectedRevision: -1n },
        { chain: chainOf("each-g"), expiresAt: { seconds: 1n } },
        { chain: chainOf("each-z") },
      ])
      expect(results.map(said)).to.deep.equal([
        "created each-a",
        "TRUST_CHAIN_INVALID requests[1].chain.genesis.created_at",
        "updated each-b",
        "TRUST_CHAIN_INVALID requests[3].chain",
        "REVISION_CONFLICT",
        "INVALID_REQUEST requests[5].request_id",
        "TRUST_CHAIN_INVALID requests[6].chain_hash",
        "INVALID_REQUEST requests[7].expected_revision",
        "TRUST_CHAIN_INVALID requests[8].expires_at",
        "created each-z",
      ])
      const conflict = errorOf(results[4])
      expect(conflict.code).to.equal(Code.ABORTED)
      expect(conflict.info).to.deep.include({ domain: "trustregistry", reason: "REVISION_CONFLICT" })
      expect(conflict.info?.metadata).to.deep.equal({ expected_revision: "5", revision: "0" })
      expect(conflict.resource?.resourceName).to.equal("each-c")
      const { record } = (await chains().getChain({ agentId: "each-a" })).stored ?? {}
      expect(results[0]?.result.case === "stored" && results[0].result.value.record).to.deep.equal(record)
    })

    it("reports each refused chain with StoreChain's status, in at most 3 KiB", async () => {
      await chains().storeChain({ chain: chainOf("status-gone") })
      await chains().deleteChain({ agentId: "status-gone" })
      const requestId = randomUUID()
      await chains().storeChain({ chain: chainOf("status-used"), requestId })
      const long = {
        id: "ü".repeat(2_000),
        signature: "",
        delegatorId: "\u0000",
        delegatedAt: "x".repeat(500),
      }
      const requests = [
        {},
        { chain: { genesis: { ...sampleChain("status-x").genesis, createdAt: "yesterday" } } },
        { chain: chainOf("status-gone") },
        { chain: chainOf("status-y"), expectedRevision: 5n },
        { chain: { ...chainOf("status-used"), capabilities: [capability("other")] }, requestId },
        { chain: chainOf("status-z"), requestId: "7" },
        { chain: { ...sampleChain("status-long"), delegations: Array.from({ length: 20 }, () => long) } },
      ]
      const results = await storeAll(requests)
      for (const [place, request] of requests.entries()) {
        const { status, bytes, ...alone } = detailsOf(await failureOf(chains().storeChain(request)))
        const { code, message, violations, ...item } = errorOf(results[place])
        expect([code, message]).to.deep.equal([status.code, status.message])
        expect({ info: item.info, resource: item.resource, precondition: item.precondition }).to.deep.equal({
          info: alone.info,
          resource: alone.resource,
          precondition: alone.precondition,
        })
        const fields = (alone.badRequest?.fieldViolations ?? []).map(({ field }) => field)
        expect(violations).to.have.length(fields.length)
        if (place < requests.length - 1)
          expect(violations.map(({ field }) => field)).to.deep.equal(
            fields.map((field) => `requests[${place}].${field}`),
          )
        const error = results[place]?.result.value as Status
        expect(toBinary(StatusSchema, error).length).to.be.at.most(3 * 1024)
        expect(bytes).to.be.at.most(4 * 1024)
      }
    })

    it("is applied once when retried, atomic or not", async () => {
      for (const atomic of [false, true]) {
        const requests = ["x", "y"].map((name) => ({
          chain: chainOf(`again-${name}-${atomic}`),
          requestId: randomUUID(),
        }))
        const first = await storeAll(requests, atomic)
        expect(first.map(said)).to.deep.equal([`created again-x-${atomic}`, `created again-y-${atomic}`])
        const head = await headOf()
        expect(await storeAll(requests, atomic)).to.deep.equal(first)
        expect(await headOf()).to.equal(head)
      }
    })

    it("refuses an atomic batch that reuses the request_id of a single store", async () => {
      const one = { chain: chainOf("mix-1"), requestId: randomUUID() }
      await chains().storeChain(one)
      const results = await storeAll([one, { chain: chainOf("mix-2") }], true)
      expect(results.map(said)).to.deep.equal(["REQUEST_ID_REUSED requests[0].request_id", "BATCH_REFUSED"])
    })

    it("applies chains of one agent in request order", async () => {
      const versions = Array.from({ length: 30 }, (_, i) => ({
        chain: { genesis: { ...sampleChain("order").genesis, metadataJson: `{"version":${i}}` } },
      }))
      const results = await storeAll(versions)
      const revisions = results.map(({ result }) =>
        result.case === "stored" ? result.value.record?.revision : 0n,
      )
      expect(revisions).to.deep.equal([...revisions].sort((a, b) => Number((a ?? 0n) - (b ?? 0n))))
      const { chain } = (await chains().getChain({ agentId: "order" })).stored ?? {}
      expect(chain?.genesis?.metadataJson).to.equal('{"version":29}')
    })

    describe("with delegators and their delegatees", () => {
      let world: World
      beforeEach(() => {
        world = trustWorld()
      })

      /** A line of agents, each of whom delegates to the next, in this order of the batch. */
      async function lineage(prefix: string, depth: number): Promise<TrustLineageChain[]> {
        const line = [await world.establish(`${prefix}-0`)]
        for (let i = 1; i <= depth; i++)
          line.push(await world.delegate(`${prefix}-${i - 1}`, `${prefix}-${i}`))
        return line
      }

      for (const atomic of [false, true]) {
        it("validates each chain against the rest of the batch, in any order", async () => {
          const line = await lineage(`line-${atomic}`, 10)
          const results = await storeAll(
            [...line].reverse().map((chain) => ({ chain })),
            atomic,
          )
          for (const [index, { result }] of results.entries()) {
            expect(said(results[index])).to.equal(`created line-${atomic}-${10 - index}`)
            if (result.case !== "stored") continue
            expect(result.value.record?.signatureStatus).to.equal(SignatureStatus.VERIFIED)
          }
        })

        it("refuses a delegation that is too deep, and a cycle", async () => {
          const line = await lineage(`deep-${atomic}`, 10)
          const delegated = (from: string, to: string) =>
            create(TrustLineageChainSchema, {
              ...sampleChain(to),
              delegations: [delegation(to, { delegatorId: from })],
            })
          const requests = [...line, delegated(`deep-${atomic}-10`, `deep-${atomic}-11`)].map((chain) => ({
            chain,
          }))
          const deep = await storeAll(requests, atomic)
          expect(said(deep[11])).to.equal("TRUST_CHAIN_INVALID requests[11].chain.delegations")
          expect(said(deep[0])).to.equal(atomic ? "BATCH_REFUSED" : `created deep-${atomic}-0`)
          const circle = [
            delegated("ring-b", "ring-a"),
            delegated("ring-c", "ring-b"),
            delegated("ring-a", "ring-c"),
          ]
          const ring = (
            await storeAll(
              circle.map((chain) => ({ chain })),
              atomic,
            )
          ).map(said)
          expect(ring.filter((one) => one.startsWith("TRUST_CHAIN_INVALID"))).to.have.length(1)
          expect(ring.filter((one) => one === "BATCH_REFUSED")).to.have.length(atomic ? 2 : 0)
        })
      }

      it("stores nothing of an atomic batch with a forged chain, and names the chain", async () => {
        const line = await lineage("forged", 3)
        const forged = create(TrustLineageChainSchema, line[2] as TrustLineageChain)
        const [delegation] = forged.delegations
        if (delegation) delegation.taskId = "another"
        const before = await headOf()
        const results = await storeAll(
          line.map((chain, index) => ({ chain: index === 2 ? forged : chain })),
          true,
        )
        expect(results.map(said)).to.deep.equal([
          "BATCH_REFUSED",
          "BATCH_REFUSED",
          "TRUST_CHAIN_INVALID requests[2].chain.delegations[0].signature",
          "BATCH_REFUSED",
        ])
        expect(errorOf(results[0]).message).to.contain("requests[2]")
        expect(await headOf()).to.equal(before)
        expect((await chains().batchGetChains({ agentIds: ["forged-0", "forged-1"] })).found).to.deep.equal(
          [],
        )
      })
    })

    it("stores nothing of an atomic batch if the database refuses one chain: a conflict, a deleted chain", async () => {
      await chains().storeChain({ chain: chainOf("none-gone") })
      const gone = await chains().deleteChain({ agentId: "none-gone" })
      const before = await headOf()
      const results = await storeAll(
        [
          { chain: chainOf("none-1") },
          { chain: chainOf("none-gone") },
          { chain: chainOf("none-2"), expectedRevision: 9n },
          { chain: chainOf("none-gone-2") },
        ],
        true,
      )
      expect(results.map(said)).to.deep.equal([
        "BATCH_REFUSED",
        "TRUST_CHAIN_INACTIVE",
        "REVISION_CONFLICT",
        "BATCH_REFUSED",
      ])
      expect(errorOf(results[1]).info?.metadata).to.deep.equal({ status: "DELETED" })
      expect(await headOf()).to.equal(before)
      expect(
        (await chains().getChain({ agentId: "none-gone", includeInactive: true })).stored?.record,
      ).to.deep.equal(gone.record)
    })

    it("stores an atomic batch in consecutive revisions", async () => {
      const ids = Array.from({ length: 50 }, (_, i) => `whole-${i}`)
      const others = Promise.all(ids.map((id) => chains().storeChain({ chain: chainOf(`other-${id}`) })))
      const results = await storeAll(
        ids.map((id) => ({ chain: chainOf(id) })),
        true,
      )
      await others
      const revisions = results.map(({ result }) =>
        result.case === "stored" ? result.value.record?.revision : 0n,
      )
      const first = revisions[0] ?? 0n
      expect(revisions).to.deep.equal(ids.map((_, i) => first + BigInt(i)))
    })

    it("validates an atomic batch again when its delegators change, and keeps two concurrent batches intact", async () => {
      const batches = Array.from({ length: 8 }, (_, round) =>
        storeAll(
          ["p", "q", "r"].map((name) => ({
            chain: {
              genesis: { ...sampleChain(`both-${name}`).genesis, metadataJson: `{"round":${round}}` },
            },
          })),
          true,
        ),
      )
      const results = await Promise.all(batches)
      for (const batch of results)
        for (const one of batch) expect(said(one)).to.match(/^(created|updated) both-/)
      const rounds = new Set<string | undefined>()
      for (const name of ["p", "q", "r"])
        rounds.add(
          (await chains().getChain({ agentId: `both-${name}` })).stored?.chain?.genesis?.metadataJson,
        )
      expect(rounds.size).to.equal(1)
    })

    it("refuses more than 1,000 chains, and two chains of one agent if atomic", async () => {
      const many = Array.from({ length: 1_001 }, () => ({}))
      expect(await violationsOf(storeAll(many))).to.deep.equal([
        "requests has 1001 chains; at most 1000 are allowed",
      ])
      const twice = ["a", "b", "a"].map((id) => ({ chain: chainOf(`twice-${id}`) }))
      expect(await violationsOf(storeAll(twice, true))).to.deep.equal([
        "requests[2].chain.genesis.agent_id repeats that of requests[0]: an atomic batch takes one chain per agent",
      ])
      expect(await storeAll([], true)).to.deep.equal([])
      expect(await storeAll([])).to.deep.equal([])
    })

    it("stores 1,000 chains at once, and keeps 1,000 refusals below 4 MiB", async () => {
      const ids = Array.from({ length: 1_000 }, (_, i) => `bulk-${i}`)
      for (const atomic of [false, true]) {
        const results = await storeAll(
          ids.map((id) => ({ chain: chainOf(`${id}-${atomic}`) })),
          atomic,
        )
        expect(results.map(said)).to.deep.equal(ids.map((id) => `created ${id}-${atomic}`))
      }
      const wrong = {
        id: "",
        delegatorId: "\u0000",
        delegateeId: "\u0001",
        signature: "",
        delegatedAt: "x".repeat(100),
      }
      const bad = { ...sampleChain("bad"), delegations: Array.from({ length: 20 }, () => wrong) }
      const results = await storeAll(Array.from({ length: 1_000 }, () => ({ chain: bad })))
      expect(results).to.have.length(1_000)
      expect(errorOf(results[999]).violations.at(-1)?.description).to.match(/^and \d+ more$/)
    })
  })
})

/** A result in short: `created agent`, or the reason and the first field. */
function said(result: StoreChainResult | undefined): string {
  if (result?.result.case === "stored") {
    const { created, record } = result.result.value
    return `${created ? "created" : "updated"} ${record?.agentId}`
  }
  const { info, violations } = errorOf(result)
  return [info?.reason, violations[0]?.field].filter(Boolean).join(" ")
}

function errorOf(result: StoreChainResult | undefined) {
  if (result?.result.case !== "error") throw new Error("the item was stored")
  const { code, message } = result.result.value
  const details = detailsIn(result.result.value)
  return { code, message, ...details, violations: details.badRequest?.fieldViolations ?? [] }
}
