import { TrustStoreService } from "@trust-registry/proto"
import { expect } from "chai"
import { connectTo } from "../support/calls.js"
import { sampleChain } from "../support/sample.js"
import { startRegistry, type TestRegistry } from "../support/server.js"
import { until } from "../support/until.js"

const CHAINS = 2_000

describe("the plans of writes", () => {
  let registry: TestRegistry
  let line: ReturnType<typeof connectTo>
  before(async () => {
    // One connection for writes, so that its plans are those that were made first.
    registry = await startRegistry({ databaseConnections: 2 })
    line = connectTo(registry.address)
  })
  after(async () => {
    line.close()
    await registry.stop()
  })

  it("find rows by their keys, though they were made while the tables were nearly empty", async () => {
    const { storeChain, importChains } = line.calls(TrustStoreService)
    await storeChain({ chain: sampleChain("first") })
    await registry.sql`vacuum analyze trust_chains, trust_chain_revisions`
    for (let i = 0; i < 20; i++) await storeChain({ chain: sampleChain("first") })
    async function* many() {
      for (let i = 0; i < CHAINS; i++) yield { request: { chain: sampleChain(`agent-${i}`) } }
    }
    for await (const { result } of importChains(many())) expect(result?.result.case).to.equal("stored")
    // A session tells its numbers at the latest when it has been idle for a moment.
    const read = await until("the numbers are told", async () => {
      const rows = await registry.sql<{ read: number; found: number }[]>`
        select sum(seq_tup_read)::int as read, sum(idx_scan)::int as found from pg_stat_user_tables
        where relname in ('trust_chains', 'trust_chain_revisions')`
      return (rows[0]?.found ?? 0) > CHAINS && { rows: rows[0]?.read ?? 0 }
    })
    expect(read.rows).to.be.below(CHAINS)
    const [entries] = await registry.sql<{ read: number }[]>`
      select sum(idx_tup_read)::int as read from pg_stat_user_indexes
      where relname in ('trust_chains', 'trust_chain_revisions')`
    expect(entries?.read).to.be.below(CHAINS * 5)
  })

  it("read the revocations of their own agents only, though they were made while there were none", async () => {
    const session = await registry.sql.reserve()
    const write = () => session`update trust_chains set expires_at = clock_timestamp() + interval '1 year'`
    await write()
    await session`
      insert into trust_revocations (revision, revocation_id, kind, agent_id, mode)
      select 0, gen_random_uuid(), 'agent', 'other-' || i, 'immediate' from generate_series(1, ${CHAINS}::int) i`
    await session`begin`
    await write()
    const read = await session<{ rows: number; found: number }[]>`
      select seq_tup_read::int as rows, idx_scan::int as found from pg_stat_xact_user_tables
      where relname = 'trust_revocations'`
    await session`commit`
    session.release()
    expect(read).to.have.length(1)
    expect(read[0]?.rows).to.equal(0)
    expect(read[0]?.found).to.be.above(CHAINS)
  })
})
