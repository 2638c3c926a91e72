import { status as Code } from "@grpc/grpc-js"
import { TrustStoreService } from "@trust-registry/proto"
import { expect } from "chai"
import { detailsOf } from "../support/calls.js"
import { sampleChain } from "../support/sample.js"
import { until } from "../support/until.js"
import { withRegistry } from "../support/withRegistry.js"

describe("writes above the limit", () => {
  const { registry, line } = withRegistry({ maxWaitingWrites: 5, databaseTimeoutMs: 60_000 })

  it("are refused with OVERLOADED and a delay, while accepted ones are done and reads continue", async () => {
    const { storeChain, getChain } = line.calls(TrustStoreService)
    let release: (() => void) | undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const holding = registry.sql.begin(async (sql) => {
      await sql`select trust_lock()`
      await held
    })
    await until("the lock is held", async () => {
      const rows =
        await registry.sql`select 1 from pg_locks where locktype = 'advisory' and objid is not null and granted`
      return rows.length > 0
    })
    // The first is on its way to the database; behind it five wait.
    const first = storeChain({ chain: sampleChain("first") })
    await until("it waits for the lock", async () => {
      const rows = await registry.sql`select 1 from pg_locks where locktype = 'advisory' and not granted`
      return rows.length > 0
    })
    const others = Array.from({ length: 12 }, (_, i) => storeChain({ chain: sampleChain(`other-${i}`) }))
    const outcomes = Promise.allSettled(others)
    const refused = await Promise.any(
      others.map((other) =>
        other.then(
          () => Promise.reject(),
          (error) => error,
        ),
      ),
    )
    expect(refused.code).to.equal(Code.RESOURCE_EXHAUSTED)
    const { info, retry } = detailsOf(refused)
    expect(info?.reason).to.equal("OVERLOADED")
    const waitMs = Number(retry?.retryDelay?.nanos ?? 0) / 1e6
    expect(waitMs).to.be.within(100, 1_000)
    expect(refused.metadata.get("grpc-retry-pushback-ms")).to.deep.equal([String(waitMs)])
    const missing = await getChain({ agentId: "nobody" }).catch((error) => error)
    expect(missing.code).to.equal(Code.NOT_FOUND)
    release?.()
    await holding
    await first
    const done = (await outcomes).filter(({ status }) => status === "fulfilled")
    expect(done).to.have.length(5)
  })
})
