// The schema on the oldest PostgreSQL that we support, its committed text, and restores from pg_dump: `npm run test:postgres`.
import { spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { startCluster } from "./cluster.js"
import { missingProgram } from "./programs.js"

const FILES = [
  "test/postgres/snapshot.ts",
  "test/postgres/restore.ts",
  "test/postgres/upgrade.ts",
  // What leans most on the schema.
  "test/database/schema.test.ts",
  "test/chains/races.test.ts",
  "test/chains/status-revisions.test.ts",
]

const missing = await missingProgram()
if (missing) {
  process.stderr.write(`test:postgres needs ${missing}\n`)
  process.exit(1)
}
const cluster = await startCluster()
try {
  const mocha = fileURLToPath(new URL("../../node_modules/mocha/bin/mocha.js", import.meta.url))
  const child = spawn(process.execPath, [mocha, ...FILES], {
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
    env: { ...process.env, TRUST_REGISTRY_TEST_SOCKET: cluster.socket },
    stdio: "inherit",
  })
  const [code] = await once(child, "exit")
  process.exitCode = code ?? 1
} finally {
  await cluster.end()
}
