import { randomUUID } from "node:crypto"
import { setTimeout as delay } from "node:timers/promises"
import { inTurns, revokedDescendants } from "@trust-registry/eatp"
import {
  ChainStatus,
  RevocationMode,
  RevocationService,
  type TrustLineageChain,
  TrustStoreService,
} from "@trust-registry/proto"
import { expect } from "chai"
import fc from "fast-check"
import { ALLOWED, cascadeTools, DENIED } from "../support/largeCascade.js"
import { withRegistryForEach } from "../support/withRegistry.js"

type Kind = "delegation" | "capability"

describe("a cascade of more than 1,000 delegations or capabilities", () => {
  const { registry, line } = withRegistryForEach({ logLevel: "error" })
  const tools = cascadeTools(registry, line)
  const { store, statusOf, hold, pendingRows, completed, asked, listed, watched, establishFree } = tools
  const chains = () => line.calls(TrustStoreService)
  const tree = () => tools.tree("boss")

  /** Revokes the delegation of boss, or the capability of root, from which all else descends. */
  const revoke = async (
    kind: Kind,
    mode: RevocationMode = RevocationMode.IMMEDIATE,
    requestId: string = randomUUID(),
  ) => {
    const { revokeDelegation, revokeCapability } = line.calls(RevocationService)
    const agentId = kind === "delegation" ? "boss" : "root"
    const { stored } = await chains().getChain({ agentId, includeInactive: true })
    const request = { agentId, mode, requestId }
    const { revocation } =
      kind === "delegation"
        ? await revokeDelegation({ ...request, delegationId: stored?.chain?.delegations[0]?.id ?? "" })
        : await revokeCapability({ ...request, capabilityId: stored?.chain?.capabilities[0]?.id ?? "" })
    if (!revocation) throw new Error("the answer has no revocation")
    return revocation
  }
  const everywhere = async (answers: boolean[], revision?: bigint) => {
    for (const agentId of ["boss", "staff"]) expect(await asked(agentId, revision)).to.deep.equal(answers)
  }
  /** At QUICK nobody asks for a capability. */
  const deniedBy = { delegation: DENIED, capability: [true, false, false, false] }
  const recordsOf = { delegation: 1_202n, capability: 1_203n }

  for (const kind of ["delegation", "capability"] as const)
    describe(`of a ${kind}`, () => {
      it("revokes its root at once, and both questions deny what descends from that revision on", async () => {
        await tree()
        await everywhere(ALLOWED)
        const { release } = await hold()
        const { revision, recordCount, inProgress, revocationId } = await revoke(kind)
        expect({ recordCount, inProgress }).to.deep.equal({ recordCount: 1n, inProgress: true })
        await everywhere(deniedBy[kind])
        await everywhere(deniedBy[kind], revision)
        await release()
        await completed()
        await everywhere(deniedBy[kind])
        await everywhere(deniedBy[kind], revision)
        expect(await pendingRows()).to.deep.equal({ cascades: 0, records: 0 })
        expect(await listed(revocationId)).to.have.length(Number(recordsOf[kind]))
      })

      it("leaves no way around it while it is in progress: store anew, delegate below, restore, purge", async () => {
        const world = await tree()
        await store(await world.delegate("boss", "deleted", { capabilities: ["read_data"] }))
        await chains().deleteChain({ agentId: "deleted" })
        await store(await world.delegate("staff", "low", { capabilities: ["read_data"] }))
        const { release } = await hold()
        await revoke(kind)
        await chains().restoreChain({ agentId: "deleted" })
        expect(await asked("deleted")).to.deep.equal(deniedBy[kind])
        // Above the others, without the record that they descend from.
        await establishFree("boss")
        for (const agentId of ["staff", "low", "deleted"])
          expect(await asked(agentId)).to.deep.equal(deniedBy[kind])
        // What was stored since does not descend: it is denied for its source, as after the cascade.
        await store(await world.delegate("staff", "late", { capabilities: ["read_data"] }))
        expect(await asked("late")).to.deep.equal([true, false, false, false])
        await chains().purgeChain({ agentId: "staff" })
        expect(await asked("low")).to.deep.equal(DENIED)
        await establishFree("staff")
        expect(await asked("low")).to.deep.equal(deniedBy[kind])
        await release()
        await completed()
        for (const agentId of ["low", "deleted"]) expect(await asked(agentId)).to.deep.equal(deniedBy[kind])
        for (const agentId of ["boss", "staff"]) expect(await asked(agentId)).to.deep.equal(ALLOWED)
      })

      it("tells how far it is, in answers, lists, watches and archives", async () => {
        await tree()
        const [first] = await registry.sql`select max(revision) + 1 as revision from trust_chain_revisions`
        const { step, release } = await hold()
        const requestId = randomUUID()
        await revoke(kind, RevocationMode.IMMEDIATE, requestId)
        for (const did of ["found", "written", "found"]) expect(await step(400)).to.equal(did)
        const { inProgress, recordCount, waitingCount } = await revoke(
          kind,
          RevocationMode.IMMEDIATE,
          requestId,
        )
        expect(inProgress).to.equal(true)
        expect(Number(recordCount + waitingCount)).to.be.greaterThan(1)
        const parts = chains().exportChains({ includePurged: true })[Symbol.asyncIterator]()
        const part = parts.next()
        expect(await Promise.race([part, delay(500, "none")])).to.equal("none")
        await release()
        await completed()
        await part
        await parts.return?.()
        const whole = await revoke(kind, RevocationMode.IMMEDIATE, requestId)
        expect(whole).to.include({ inProgress: false, recordCount: recordsOf[kind] })
        expect(await listed(requestId))
          .to.include("boss>staff")
          .and.include("boss>many-7")
        expect((await watched(BigInt(first?.revision), Number(recordsOf[kind]))).size).to.equal(
          Number(recordsOf[kind]),
        )
      })

      it("that is a suspension is lifted while it is in progress", async () => {
        await tree()
        const { step, release } = await hold()
        const { revocationId } = await revoke(kind, RevocationMode.SUSPEND)
        for (let portions = 0; portions < 2; ) if ((await step(300)) === "written") portions++
        const { revocation } = await line.calls(RevocationService).liftSuspension({ revocationId })
        expect(revocation).to.deep.include({ inProgress: true })
        await release()
        await completed()
        expect(await pendingRows()).to.deep.equal({ cascades: 0, records: 0 })
        await everywhere(ALLOWED)
        expect(await statusOf("staff")).to.equal(ChainStatus.ACTIVE)
      })

      it("revokes what one transaction revokes, and denies it all the time, in any graph and portions of any size", async () => {
        const { step, release } = await hold()
        let round = 0
        const names = fc.uniqueArray(fc.constantFrom("read", "read_x", "read_*", "*", "list"), {
          minLength: 1,
          maxLength: 3,
        })
        const edges = fc.array(fc.tuple(fc.nat(5), fc.nat(5), names), { minLength: 1, maxLength: 12 })
        const rewrites = fc.array(fc.tuple(fc.nat(6), fc.nat(5)), { maxLength: 3 })
        await fc.assert(
          fc.asyncProperty(edges, rewrites, fc.integer({ min: 1, max: 4 }), async (edges, rewrites, most) => {
            const agents = Array.from({ length: 6 }, (_, agent) => `g${round}-${agent}`)
            round++
            await storeGraph(agents, edges)
            const root = await rootOf(agents[1] ?? "", kind)
            if (root === undefined) return
            const expected = await wholeCascade(agents[1] ?? "", root)
            const id = randomUUID()
            await registry.sql`
            select from trust_revocations_write(
              ${kind}, ${agents[1] ?? ""}, null, ${root}, 'immediate', null, null, '', ${id}, 'h', 'me', null, 0)`
            for (let at = 0; ; at++) {
              for (const [when, agent] of rewrites) if (when === at) await storeAnew(agents[agent] ?? "")
              expect(await deniedNow(agents, id)).to.include.members(expected)
              if ((await step(most)) === undefined) break
            }
            const rows = await registry.sql`
            select agent_id || '/' || record_id as record from trust_revocations where revocation_id = ${id}`
            expect(rows.map(({ record }) => record).sort()).to.deep.equal(expected)
          }),
          { numRuns: 60 },
        )
        await release()

        /** The records of a whole cascade: what a revocation in one transaction writes. */
        async function wholeCascade(agent: string, record: string) {
          const rows = await registry.sql`
          select agent_id || '/' || record_id as record from trust_revocation_cascade(${kind}, ${agent}, ${record}, null)`
          return rows.map(({ record }) => record as string).sort()
        }
      })
    })

  async function storeGraph(agents: string[], edges: [number, number, string[]][]) {
    for (const [place, agentId] of agents.entries()) {
      const above = edges.filter(([, to]) => to === place)
      const delegations = above.map(([from, , names], at) => ({
        ...{ id: `d${at}`, delegator_id: agents[from] ?? "", capabilities_delegated: names },
      }))
      const capabilities = [...new Set(["*", ...above.flatMap(([, , names]) => names)])].map(
        (capability) => ({
          ...{ id: `c-${capability}`, capability },
        }),
      )
      const document = { genesis: { agent_id: agentId }, delegations, capabilities }
      await registry.sql`
        insert into trust_chains (agent_id, revision, authority_id, chain_data, chain_bytes, chain_hash, content_hash)
        values (${agentId}, 0, 'org', ${registry.sql.json(document)}, 9, 'x', 'x')`
    }
  }

  async function rootOf(agentId: string, kind: Kind): Promise<string | undefined> {
    const [row] = await registry.sql`
      select chain_data -> ${kind === "delegation" ? "delegations" : "capabilities"} -> -1 ->> 'id' as id
      from trust_chains where agent_id = ${agentId}`
    return row?.id ?? undefined
  }

  /** As trust_chains_write does, with a document that has no records. */
  async function storeAnew(agentId: string) {
    await registry.sql.begin(async (sql) => {
      await sql`select trust_lock(), trust_cascades_settle(array[${agentId}])`
      await sql`
        update trust_chains set chain_data = ${sql.json({ genesis: { agent_id: agentId } })}
        where agent_id = ${agentId}`
    })
  }

  /** What is revoked, or descends by what is known to a question about its agent: the chains above it. */
  async function deniedNow(agents: string[], revocation: string): Promise<string[]> {
    const rows = await registry.sql`
      select agent_id, chain_data, revocations, coalesce(document_revision, revision)::text as stored
      from trust_chains where agent_id = any (${agents})`
    const known = new Map(rows.map((row) => [row.agent_id as string, row]))
    const revoked = await registry.sql`
      select agent_id || '/' || record_id as record from trust_revocations where revocation_id = ${revocation}`
    const denied = new Set(revoked.map(({ record }) => record as string))
    for (const agentId of agents) {
      const above = new Set([agentId])
      for (const id of above)
        for (const { delegator_id } of known.get(id)?.chain_data.delegations ?? []) above.add(delegator_id)
      const rows = [...above].flatMap((id) => known.get(id) ?? [])
      const origins = rows.flatMap(({ agent_id, revocations }) =>
        revocations
          .filter(({ since }: { since?: number }) => since !== undefined)
          .map(({ kind, names, since }: { kind: Kind; names: string[]; since: number }) => ({
            kind: kind === "delegation" ? ("DELEGATION" as const) : ("CAPABILITY" as const),
            agentId: agent_id as string,
            names,
            since: BigInt(since),
          })),
      )
      const placed = rows.map(({ agent_id, chain_data, stored }) => ({
        chain: chainOf(agent_id, chain_data),
        stored: BigInt(stored),
      }))
      const found = (await inTurns(revokedDescendants(origins, placed))).get(agentId)
      for (const id of [...(found?.delegations ?? []), ...(found?.capabilities ?? [])])
        denied.add(`${agentId}/${id}`)
    }
    return [...denied]
  }
})

type Row = {
  delegations?: { id: string; delegator_id: string; capabilities_delegated: string[] }[]
  capabilities?: { id: string; capability: string }[]
}

function chainOf(agentId: string, { delegations = [], capabilities = [] }: Row): TrustLineageChain {
  return {
    genesis: { agentId },
    delegations: delegations.map(({ id, delegator_id, capabilities_delegated }) => ({
      ...{ id, delegatorId: delegator_id, capabilitiesDelegated: capabilities_delegated },
    })),
    capabilities,
  } as TrustLineageChain
}
