// Writes server/schema/schema.sql: `npm run schema:dump`. With `-- --data FILE` writes a dump of a database with data to FILE
// instead, as the server of this checkout makes it.
import { writeFile } from "node:fs/promises"
import { parseArgs } from "node:util"
import { startRegistry } from "../support/server.js"
import { startCluster } from "./cluster.js"
import { fillRegistry } from "./fixture.js"
import { missingProgram, runProgram } from "./programs.js"
import { SCHEMA_FILE, schemaText } from "./schemaText.js"

const { data } = parseArgs({ options: { data: { type: "string" } } }).values
const missing = await missingProgram()
if (missing) {
  process.stderr.write(`schema:dump needs ${missing}\n`)
  process.exit(1)
}
const cluster = await startCluster()
process.env.TRUST_REGISTRY_TEST_SOCKET = cluster.socket
const registry = await startRegistry({ logLevel: "silent" })
const { host, database } = registry.connection
if (data === undefined) await writeFile(SCHEMA_FILE, await schemaText(registry.connection))
else {
  await fillRegistry(registry)
  await writeFile(data, await runProgram("pg_dump", ["--no-owner", "-h", host, "-U", "postgres", database]))
}
await registry.stop()
await cluster.end()
