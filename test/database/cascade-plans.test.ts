import { expect } from "chai"
import { withRegistry } from "../support/withRegistry.js"

const CHAINS = 20_000

describe("query plans of a cascade", () => {
  const { registry } = withRegistry()

  it(`look up each delegator of ${CHAINS} in the index, with statistics of the table and without`, async () => {
    const { sql } = registry
    await sql`
      insert into trust_chains (agent_id, revision, authority_id, chain_data, chain_bytes, chain_hash, content_hash)
      select 'agent-' || n, 0, 'org', jsonb_build_object('delegations', jsonb_build_array(
        jsonb_build_object('id', 'delegation-' || n, 'delegator_id', 'agent-' || (n / 10)))), 100, 'x', 'x'
      from generate_series(1, ${CHAINS}::int) n`
    for (const statistics of ["without", "with"]) {
      if (statistics === "with") await sql`analyze trust_chains`
      const found = await sql.begin(async (session) => {
        const rows =
          await session`select count(*)::int as count from trust_revocation_cascade('agent', 'agent-0', '', null)`
        const [read] = await session`
          select seq_tup_read::int as all, idx_tup_fetch::int as found from pg_stat_xact_user_tables where relname = 'trust_chains'`
        return { count: rows[0]?.count, read }
      })
      expect(found.count).to.equal(CHAINS + 1)
      expect(found.read?.all, `${statistics} statistics`).to.equal(0)
      expect(found.read?.found, `${statistics} statistics`).to.be.at.most(CHAINS * 3)
    }
  })
})
