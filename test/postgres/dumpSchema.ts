// Writes server/schema/schema.sql: `npm run schema:dump`. With `-- --release FOLDER` records a release there instead: a dump of a
// database with data as the server of this checkout makes it, and what callers read of it. test/postgres/upgrade.ts uses both.
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { startRegistry } from "../support/server.js"
import { startCluster } from "./cluster.js"
import { fillRegistry } from "./fixture.js"
import { missingProgram, placeOf, runProgram, SUPERUSER } from "./programs.js"
import { SCHEMA_FILE, schemaText } from "./schemaText.js"
import { stateOf } from "./state.js"

const { release } = parseArgs({ options: { release: { type: "string" } } }).values
const missing = await missingProgram()
if (missing) {
  process.stderr.write(`schema:dump needs ${missing}\n`)
  process.exit(1)
}
const cluster = await startCluster()
process.env.TRUST_REGISTRY_TEST_SOCKET = cluster.socket
const registry = await startRegistry({ logLevel: "silent" })
const place = placeOf(registry.connection, SUPERUSER)
if (release === undefined) await writeFile(SCHEMA_FILE, await schemaText(registry.connection))
else {
  await fillRegistry(registry)
  await mkdir(release, { recursive: true })
  const state = await stateOf(registry.address)
  await writeFile(join(release, "state.json"), `${JSON.stringify(state, null, 1)}\n`)
  await writeFile(join(release, "database.sql"), await runProgram("pg_dump", ["--no-owner", ...place]))
}
await registry.stop()
await cluster.end()
