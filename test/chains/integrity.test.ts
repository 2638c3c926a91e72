import { documentFromChain, parseJson } from "@trust-registry/eatp"
import {
  ConfidentialityLevel,
  ConstraintType,
  IntegrityCheck,
  IntegrityCheckSchema,
  type IntegrityFinding,
  TrustStoreService,
} from "@trust-registry/proto"
import { expect } from "chai"
import { detailsOf, failureOf } from "../support/calls.js"
import { anchor, capability, delegation } from "../support/records.js"
import { sampleChain } from "../support/sample.js"
import { withRegistry } from "../support/withRegistry.js"

/** One record of every kind and one field of every kind. */
function wholeChain(agentId: string) {
  const trace = {
    decision: "yes",
    rationale: "so",
    confidentiality: ConfidentialityLevel.RESTRICTED,
    timestamp: "2026-01-01",
    confidenceJson: "1.0",
  }
  const human = {
    humanId: "grace",
    displayName: "Grace",
    authProvider: "okta",
    sessionId: "s1",
    authenticatedAt: "2026-01-01",
  }
  return {
    ...sampleChain(agentId),
    capabilities: [
      capability("read", { constraints: ["b", "a"], scopeJson: '{"max":1.0}' }),
      capability("write"),
    ],
    delegations: [
      delegation(agentId, {
        humanOrigin: human,
        delegationChain: ["grace"],
        delegationDepth: 1n,
        reasoningTrace: trace,
        dimensionScope: [1, 3],
      }),
    ],
    constraintEnvelope: {
      id: `env-${agentId}`,
      agentId,
      activeConstraints: [
        {
          id: "con-1",
          constraintType: ConstraintType.FINANCIAL,
          valueJson: '{"max_api_calls":1000}',
          source: "x",
        },
      ],
    },
    auditAnchors: [anchor(agentId, { contextJson: '{"1":2,"0":1e16}', reasoningTrace: trace })],
    chainStateSignature: "c2ln",
  }
}

describe("VerifyChainIntegrity", () => {
  const { registry, line } = withRegistry({ cacheEntries: 0 })
  const calls = () => line.calls(TrustStoreService)

  async function failedChecks(agentId: string): Promise<IntegrityFinding[]> {
    const { verified, findings } = await calls()
      .verifyChainIntegrity({ agentId })
      .catch((e) => {
        console.log(registry.log.at(-1))
        throw e
      })
    const failed = findings.filter(({ passed }) => !passed)
    expect(verified).to.equal(failed.length === 0)
    return failed
  }

  it("passes for stored chains, even deleted or expired ones", async () => {
    await calls().storeChain({ chain: wholeChain("sound") })
    const { findings } = await calls().verifyChainIntegrity({ agentId: "sound" })
    const every = IntegrityCheckSchema.values.map(({ number }) => number as IntegrityCheck)
    expect(findings.map(({ check }) => check).sort((a, b) => a - b)).to.deep.equal(
      every.filter((check) => check !== IntegrityCheck.UNSPECIFIED),
    )
    expect(await failedChecks("sound")).to.deep.equal([])
    await calls().deleteChain({ agentId: "sound" })
    expect(await failedChecks("sound")).to.deep.equal([])
    const { info } = detailsOf(await failureOf(calls().verifyChainIntegrity({ agentId: "nobody" })))
    expect(info?.reason).to.equal("TRUST_CHAIN_NOT_FOUND")
  })

  it("names any changed leaf, and affects no list or read of other agents", async () => {
    await calls().storeChain({ chain: wholeChain("leaf") })
    await calls().storeChain({ chain: wholeChain("leaf-neighbour") })
    const [row] = await registry.sql`select chain_data from trust_chains where agent_id = 'leaf'`
    const leaves = leavesOf(row?.chain_data, [])
    expect(leaves.length).to.be.greaterThan(50)
    for (const { path, value } of leaves)
      for (const changed of changesOf(value)) {
        await registry.sql`
          update trust_chains set chain_data = jsonb_set(${registry.sql.json(row?.chain_data)}, ${path},
            ${registry.sql.json(changed)}) where agent_id = 'leaf'`
        const where = `${path.join(".")} = ${JSON.stringify(changed)}`
        const failed = await failedChecks("leaf")
        expect(failed, where).to.not.deep.equal([])
        const told = failed.map((finding) => finding.path.replace(/\[(\d+)\]/g, ".$1"))
        expect(told, where).to.include(`chain.${path.join(".")}`)
        const page = await calls().listChains({ filter: { agentIdPrefix: "leaf" } })
        expect(
          page.chains.map(({ record, chain, unreadable }) => [
            record?.agentId,
            (chain === undefined) === unreadable,
          ]),
          where,
        ).to.deep.equal([
          ["leaf", true],
          ["leaf-neighbour", true],
        ])
      }
  })

  it("reports a document that does not parse, which fails only its own agent", async () => {
    await calls().storeChain({ chain: wholeChain("torn") })
    await calls().storeChain({ chain: wholeChain("torn-neighbour") })
    await registry.sql`
      update trust_chains set chain_data = chain_data || '{"surprise":1}' where agent_id = 'torn'`
    const { info, resource } = detailsOf(await failureOf(calls().getChain({ agentId: "torn" })))
    expect(info?.reason).to.equal("TRUST_CHAIN_CORRUPT")
    expect(resource?.resourceName).to.equal("torn")
    const failed = await failedChecks("torn")
    expect(failed.map(({ check, path }) => [check, path])).to.deep.include([
      IntegrityCheck.DOCUMENT,
      "chain.surprise",
    ])
    const page = await calls().listChains({ filter: { agentIdPrefix: "torn" } })
    expect(
      page.chains.map(({ record, chain, unreadable }) => [record?.agentId, chain !== undefined, unreadable]),
    ).to.deep.equal([
      ["torn", false, true],
      ["torn-neighbour", true, false],
    ])
    expect((await calls().getChain({ agentId: "torn-neighbour" })).stored?.record?.agentId).to.equal(
      "torn-neighbour",
    )
  })

  it("never returns the document of another agent", async () => {
    await calls().storeChain({ chain: wholeChain("impostor") })
    await calls().storeChain({ chain: wholeChain("victim") })
    await registry.sql`
      update trust_chains set chain_data = (select chain_data from trust_chains where agent_id = 'victim')
      where agent_id = 'impostor'`
    const { info } = detailsOf(await failureOf(calls().getChain({ agentId: "impostor" })))
    expect(info?.reason).to.equal("TRUST_CHAIN_CORRUPT")
    expect((await failedChecks("impostor")).map(({ path }) => path)).to.include("chain.genesis.agent_id")
  })

  it("names a changed column, even if triggers were bypassed", async () => {
    await calls().storeChain({ chain: wholeChain("column") })
    const columns = {
      chain_hash: "'00'",
      content_hash: "'00'",
      authority_id: "'org-evil'",
      expires_at: "'2999-01-01'",
      status: "'revoked'",
      revision: "1",
    }
    for (const [column, value] of Object.entries(columns)) {
      const { sql } = registry
      const [before] = await sql`select * from trust_chains where agent_id = 'column'`
      await sql.begin(async (transaction) => {
        await transaction`alter table trust_chains disable trigger user`
        const active = column === "status" ? ", is_active = false" : ""
        await transaction.unsafe(
          `update trust_chains set ${column} = ${value}${active} where agent_id = 'column'`,
        )
      })
      const failed = await failedChecks("column")
      expect(
        failed.some(
          ({ check, path }) =>
            IntegrityCheckSchema.value[check]?.localName.toLowerCase() === column || path === column,
        ),
        column,
      ).to.equal(true)
      await sql.begin(async (transaction) => {
        await transaction`alter table trust_chains disable trigger user`
        await transaction`delete from trust_chains where agent_id = 'column'`
        await transaction`insert into trust_chains ${transaction(before as Record<string, string>)}`
        await transaction`alter table trust_chains enable trigger user`
      })
      expect(await failedChecks("column"), `${column} restored`).to.deep.equal([])
    }
  })

  it("fails each check independently, even if history was changed too", async () => {
    const { sql } = registry
    const all = ["trust_chains", "trust_chain_revisions"]
    await calls().storeChain({ chain: expiring("other") })
    const [other] =
      await sql`select chain_data, chain_hash, content_hash from trust_chains where agent_id = 'other'`
    const document = (path: string, value: string) =>
      `chain_data = jsonb_set(chain_data, '{${path}}', '${value}')`
    const cases: [IntegrityCheck, string[], string][] = [
      [IntegrityCheck.CHAIN_HASH, all, "chain_hash = '00'"],
      [IntegrityCheck.CONTENT_HASH, all, "content_hash = '00'"],
      [IntegrityCheck.AUTHORITY_ID, all, "authority_id = 'org-evil'"],
      [IntegrityCheck.EXPIRES_AT, all, "expires_at = '2999-01-01'"],
      [IntegrityCheck.EXPIRES_AT, all, "expires_at = null"],
      [IntegrityCheck.HISTORY, ["trust_chains"], "revision = revision + 1000000"],
      [
        IntegrityCheck.AGENT_ID,
        all,
        `chain_data = '${JSON.stringify(other?.chain_data).replaceAll("'", "''")}',
          chain_hash = '${other?.chain_hash}', content_hash = '${other?.content_hash}'`,
      ],
      [IntegrityCheck.DOCUMENT, all, `chain_data = chain_data || '{"surprise": 1}'`],
      [IntegrityCheck.SHAPE, all, document("capabilities,0,id", '""')],
      [
        IntegrityCheck.CONSTRAINT_HASH,
        all,
        document("constraint_envelope,constraint_hash", `"${"00".repeat(32)}"`),
      ],
    ]
    for (const [place, [check, tables, change]] of cases.entries()) {
      const agentId = `by-itself-${place}`
      await calls().storeChain({ chain: expiring(agentId) })
      await tampered(tables, `${change} where agent_id = '${agentId}'`)
      const failed = new Set((await failedChecks(agentId)).map((finding) => finding.check))
      // A document that was changed is also not the one that was hashed, and may break several rules.
      if (change.startsWith("chain_data = jsonb_set")) expect([...failed], change).to.include(check)
      else expect([...failed], change).to.deep.equal([check])
    }
    const agentId = "without-history"
    await calls().storeChain({ chain: wholeChain(agentId) })
    await tampered([], `delete from trust_chain_revisions where agent_id = '${agentId}'`)
    expect((await failedChecks(agentId)).map(({ check }) => check)).to.deep.equal([IntegrityCheck.HISTORY])

    function expiring(agentId: string) {
      const chain = wholeChain(agentId)
      return { ...chain, genesis: { ...chain.genesis, expiresAt: "2099-01-01T00:00:00Z" } }
    }

    /** Runs an update of each table, or a statement of its own, behind the back of the triggers. */
    async function tampered(tables: string[], change: string) {
      const statements = tables.length > 0 ? tables.map((table) => `update ${table} set ${change}`) : [change]
      await sql.begin(async (transaction) => {
        for (const table of all) await transaction.unsafe(`alter table ${table} disable trigger user`)
        for (const statement of statements) await transaction.unsafe(statement)
        for (const table of all) await transaction.unsafe(`alter table ${table} enable trigger user`)
      })
    }
  })

  it("reports a document too deep to compare", async () => {
    await calls().storeChain({ chain: sampleChain("deep") })
    await registry.sql`
      update trust_chains set chain_data = (repeat('[', 4000) || repeat(']', 4000))::jsonb where agent_id = 'deep'`
    expect((await failedChecks("deep")).map(({ check }) => check)).to.include(IntegrityCheck.DOCUMENT)
  })

  it("passes while others write", async () => {
    const { storeChain, verifyChainIntegrity } = calls()
    let going = true
    const writes = (async () => {
      while (going) await storeChain({ chain: sampleChain("busy") })
    })()
    await storeChain({ chain: sampleChain("busy") })
    const failed: unknown[] = []
    for (let round = 0; round < 150; round++) {
      const { findings } = await verifyChainIntegrity({ agentId: "busy" })
      failed.push(...findings.filter(({ passed }) => !passed))
    }
    going = false
    await writes
    expect(failed).to.deep.equal([])
  })

  it("returns the whole chain as it was stored", async () => {
    const { record } = await calls().storeChain({ chain: wholeChain("whole") })
    const { chain } = (await calls().getChain({ agentId: "whole" })).stored ?? {}
    const document = parseJson(documentFromChain(chain as NonNullable<typeof chain>))
    expect(
      JSON.stringify(chain, (_, value) => (typeof value === "bigint" ? String(value) : value)),
    ).to.contain('{\\"1\\":2,\\"0\\":1e16}')
    expect(document).to.not.equal(undefined)
    expect(record?.contentHash).to.match(/^[0-9a-f]{64}$/)
  })
})

interface Leaf {
  path: string[]
  value: unknown
}

function leavesOf(value: unknown, path: string[]): Leaf[] {
  if (typeof value !== "object" || value === null) return [{ path, value }]
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, [...path, key]))
}

/** Another value of the same kind, and one of another kind. */
function changesOf(value: unknown): (string | number | boolean)[] {
  if (typeof value === "boolean") return [!value]
  if (typeof value === "string" && /^\d+$/.test(value)) return [String(Number(value) + 1)]
  return [`${value}x`, 7]
}
