import { spawn } from "node:child_process"
import { once } from "node:events"
import { accessSync, chmodSync, constants, mkdtempSync, writeFileSync } from "node:fs"
import { rm } from "node:fs/promises"
import { type AddressInfo, connect, createServer } from "node:net"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import type { EmbeddedConnection } from "../../server/embedded/session.js"
import { startTcpProxy } from "./tcpProxy.js"
import { until } from "./until.js"

/** Where PgBouncer is installed, if it is; PgBouncer is no part of the project. */
export const PGBOUNCER = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin"]
  .map((folder) => join(folder, "pgbouncer"))
  .find(isProgram)

function isProgram(path: string) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Starts PgBouncer before a database, on a free port of loopback. */
export async function startPgbouncer(
  database: EmbeddedConnection,
  mode: "session" | "transaction" | "statement",
) {
  // The socket's folder is closed to other users.
  const proxy = await startTcpProxy(`${database.host}/.s.PGSQL.${database.port}`)
  const folder = mkdtempSync(join(tmpdir(), "pgbouncer-"))
  const port = await freePort()
  const config = join(folder, "pgbouncer.ini")
  writeFileSync(
    config,
    `[databases]
${database.database} = host=127.0.0.1 port=${proxy.port} user=${database.username} dbname=${database.database}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = ${mode}
max_client_conn = 200
default_pool_size = 40
`,
  )
  chmodSync(folder, 0o755)
  // It refuses to be root.
  const user = process.getuid?.() === 0 ? ["-u", "nobody"] : []
  const child = spawn(PGBOUNCER ?? "pgbouncer", [...user, config], { stdio: "ignore" })
  const ended = once(child, "exit")
  await until("PgBouncer listens", () => listens(port))
  return {
    connection: { ...database, host: "127.0.0.1", port },
    async end() {
      child.kill("SIGTERM")
      await ended
      proxy.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function freePort() {
  const probe = createServer().listen(0, "127.0.0.1")
  await once(probe, "listening")
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}

async function listens(port: number) {
  const socket = connect(port, "127.0.0.1")
  return await new Promise<boolean>((resolve) => {
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false))
  }).finally(() => socket.destroy())
}
