import { status as Code } from "@grpc/grpc-js"
import { health, TrustStoreService } from "@trust-registry/proto"
import { expect } from "chai"
import { openFolder } from "../../server/dist/embedded/folder.js"
import { connectTo, failureOf } from "../support/calls.js"
import { sampleChain } from "../support/sample.js"
import { startRegistry } from "../support/server.js"
import { until } from "../support/until.js"

describe("a start", () => {
  it("is refused on a schema that is newer than the server knows", async () => {
    const registry = await startRegistry()
    await registry.sql`insert into trust_migrations (version, name, checksum) values (9999, 'of a later server', '')`
    const failed = await registry.restart().then(
      () => undefined,
      (error: Error) => error.message,
    )
    expect(failed).to.match(/schema has version 9999.*start a newer server/)
    await registry.sql`delete from trust_migrations where version = 9999`
    await registry.restart()
    await registry.stop()
  })

  it("of a newer server ends the service of a running one, which tells callers why, and never INTERNAL", async () => {
    const registry = await startRegistry()
    const { calls, close } = connectTo(registry.address)
    const store = () => failureOf(calls(TrustStoreService).storeChain({ chain: sampleChain("ann") }))
    await registry.sql.begin(async (sql) => {
      await sql`insert into trust_migrations (version, name, checksum) values (9999, 'of a later server', '')`
      await sql`alter function trust_chains_write rename to trust_chains_write_later`
    })
    for (let round = 0; round < 3; round++) {
      const failure = await store()
      expect(failure.code).to.equal(Code.UNAVAILABLE)
      expect(failure.details).to.match(/schema has version 9999.*start a newer server/)
    }
    const { status } = await calls(health.Health).check({})
    expect(status).to.equal(health.HealthCheckResponse_ServingStatus.NOT_SERVING)
    await registry.sql.begin(async (sql) => {
      await sql`alter function trust_chains_write_later rename to trust_chains_write`
      await sql`delete from trust_migrations where version = 9999`
    })
    await until("it serves again", async () => (await calls(health.Health).check({})).status === 1)
    await calls(TrustStoreService).storeChain({ chain: sampleChain("ann") })
    close()
    await registry.stop()
  })

  it("says so at once where the data folder cannot be made", async () => {
    const error = await openFolder("/proc/trust-registry/data").catch((error) => error)
    expect(error).to.include({ code: "FOLDER_UNUSABLE" })
  })
})
