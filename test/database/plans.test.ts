import { create } from "@bufbuild/protobuf"
import { CapabilityType, ChainFilterSchema } from "@trust-registry/proto"
import { expect } from "chai"
import postgres from "postgres"
import { countChains, listChains } from "../../server/dist/store/chains/chains.js"
import { countChainsAt, readExport } from "../../server/dist/store/chains/exportPages.js"
import { migrate } from "../../server/dist/store/database/migrate.js"
import { openPool, type Sql } from "../../server/dist/store/database/sql.js"
import { type FreshDatabase, freshDatabase } from "../support/postgres.js"

const CHAINS = 100_000

describe(`query plans of filters with ${CHAINS} chains`, () => {
  let database: FreshDatabase
  let sql: Sql
  let explainer: postgres.Sql<{ text: string }>
  const statements: { text: string; parameters: unknown[] }[] = []

  before(async () => {
    database = await freshDatabase()
    sql = openPool(database.connection, 1, () => {}, {
      debug: (_: number, text: string, parameters: unknown[]) => statements.push({ text, parameters }),
    })
    // Parameters come as the text that was sent.
    const text = { to: 1184, from: [1184], serialize: String, parse: String }
    explainer = postgres({ ...database.connection, max: 1, onnotice: () => {}, types: { text } })
    await migrate(sql)
    await fill(explainer)
  })
  after(async () => {
    await sql.end()
    await explainer.end()
    await database.drop()
  })

  const now = BigInt(Date.now()) * 1000n
  const soon = { seconds: now / 1_000_000n + 5n * 86_400n, nanos: 0 }
  const filters = {
    authority: { authorityId: "org-7" },
    prefix: { agentIdPrefix: "agent-0123" },
    capability: { capability: "cap-5" },
    "capability type": { capabilityType: CapabilityType.DELEGATION },
    delegator: { delegatorId: "agent-77" },
    metadata: { metadataContainsJson: '{"department":"d7"}' },
    "expiry of active chains": { expiresBefore: soon },
    "expiry of all chains": { expiresBefore: soon, includeInactive: true },
    "all filters at once": {
      authorityId: "org-7",
      capability: "cap-5",
      delegatorId: "agent-0",
      metadataContainsJson: '{"department":"d7"}',
      expiresBefore: soon,
    },
  }

  for (const [name, fields] of Object.entries(filters)) {
    it(`use an index for ${name}, with known and unknown values`, async () => {
      const filter = create(ChainFilterSchema, fields)
      const page = { filter, after: "", offset: 0, limit: 100, maxBytes: 3 << 20, documents: true, now }
      statements.length = 0
      await listChains(sql, page)
      const count = await countChains(sql, filter, now)
      expect(Number(count)).to.be.at.most(CHAINS / 100)
      await readExport(sql, { ...page, revision: BigInt(CHAINS) })
      expect(await countChainsAt(sql, { filter, revision: BigInt(CHAINS), now })).to.equal(count)
      const reads = statements.filter(({ text }) => /\btrust_chains c\b/.test(text))
      expect(reads).to.have.length(4)
      for (const { text, parameters } of reads) {
        expect(scansOf(await explainer.unsafe(`explain (generic_plan) ${text}`))).to.not.include("Seq Scan")
        const known = await explainer.unsafe(`explain ${text}`, parameters as string[])
        expect(scansOf(known)).to.not.include("Seq Scan")
      }
    })
  }
})

/** The lines of a plan that read trust_chains. */
function scansOf(plan: Iterable<Record<string, unknown>>): string {
  const lines = [...plan].map((row) => String(row["QUERY PLAN"]))
  return lines.filter((text) => / on trust_chains\b/.test(text)).join("\n")
}

/** Chains as the server stores them, without triggers: 100,000 rows of history would prove nothing here. */
async function fill(sql: postgres.Sql<{ text: string }>) {
  await sql`alter table trust_chains disable trigger user`
  await sql`
    insert into trust_chains (agent_id, revision, authority_id, chain_data, chain_bytes, chain_hash, content_hash,
      expires_at, updated_by)
    select 'agent-' || lpad(i::text, 6, '0'), i, 'org-' || i % 200, jsonb_build_object(
        'genesis', jsonb_build_object('metadata_json', format('{"department":"d%s","n":%s}', i % 150, i)),
        'capabilities', (select jsonb_agg(jsonb_build_object('id', format('cap-%s-%s', i, k),
            'capability', format('cap-%s', (i * 7 + k) % 1000), 'signature', md5(format('%s %s', i, k)),
            'capability_type', case when i % 150 = 0 then 'CAPABILITY_TYPE_DELEGATION' else 'CAPABILITY_TYPE_ACCESS' end))
          from generate_series(1, 4) k),
        'delegations', jsonb_build_array(jsonb_build_object('delegator_id', format('agent-%s', i / 50)))),
      2000, 'h', 'c', case when i % 3 > 0 then now() + i % 1000 * interval '1 day' end, 'test'
    from generate_series(1, ${CHAINS}::int) i`
  await sql`alter table trust_chains enable trigger user`
  await sql`analyze trust_chains`
}
