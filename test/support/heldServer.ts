// A server process of heldServer(): tells the longest that its event loop was held, whenever it is asked.
import { createLog, defaultConfig, startServer } from "@trust-registry/server"
import type { EmbeddedConnection } from "../../server/embedded/session.js"
import { loopWatch } from "./held.js"

process.once("message", async (connection: EmbeddedConnection) => {
  const config = defaultConfig({ listen: { host: "127.0.0.1", port: 0 }, databaseTimeoutMs: 60_000 })
  const server = await startServer({ config, log: createLog("silent"), connection })
  const watch = loopWatch()
  process.on("message", () => process.send?.(watch.take()))
  process.send?.(server.address)
})
process.once("disconnect", () => process.exit())
