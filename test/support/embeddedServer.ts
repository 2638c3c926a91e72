// A process that holds the embedded PostgreSQL of a folder, to be killed: `embeddedServer.ts FOLDER` says "ready".
import { startEmbeddedPostgres } from "../../server/embedded/start.js"

const [dataDir = ""] = process.argv.slice(2)
// The test that started it is gone.
process.stdin.once("end", () => process.exit(1)).resume()
await startEmbeddedPostgres({ dataDir, log: () => {} })
process.stdout.write("ready\n")
