import { expect } from "chai"
import { openFolder } from "../../server/dist/embedded/folder.js"
import { startRegistry } from "../support/server.js"

describe("startup", () => {
  it("refuses a schema newer than the server knows", async () => {
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

  it("reports at once that the data folder cannot be created", async () => {
    const error = await openFolder("/proc/trust-registry/data").catch((error) => error)
    expect(error).to.include({ code: "FOLDER_UNUSABLE" })
  })
})
