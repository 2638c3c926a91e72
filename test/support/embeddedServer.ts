// Runs the embedded PostgreSQL of a folder in a process that tests can kill: `embeddedServer.ts FOLDER` prints "ready".
import { startEmbeddedPostgres } from "../../server/embedded/start.js"

const [dataDir = ""] = process.argv.slice(2)
// Exits when the test that started this process is gone.
process.stdin.once("end", () => process.exit(1)).resume()
await startEmbeddedPostgres({ dataDir, log: () => {} })
process.stdout.write("ready\n")
