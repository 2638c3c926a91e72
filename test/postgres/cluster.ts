import { spawn } from "node:child_process"
import { once } from "node:events"
import { chown, mkdir, readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import postgres from "postgres"
import { throwawayFolder } from "../support/postgres.js"
import { until } from "../support/until.js"
import { programOf } from "./programs.js"

/** A cluster that the run ends. */
export interface Cluster {
  /** The folder of its socket, which is its only address. */
  readonly socket: string
  end(): Promise<void>
}

/** Starts a throwaway cluster of the installed PostgreSQL, as the user `postgres` where this process is root. */
export async function startCluster(): Promise<Cluster> {
  const folder = await throwawayFolder()
  const root = join(folder, "postgres")
  const data = join(root, "data")
  await mkdir(root)
  const user = process.getuid?.() === 0 ? await userPostgres() : undefined
  if (user) for (const path of [folder, root]) await chown(path, user.uid, user.gid)
  const start = (name: string, args: string[]) =>
    spawn(programOf(name), args, {
      cwd: root,
      env: { LC_ALL: "C" },
      stdio: ["ignore", "ignore", "pipe"],
      ...user,
    })

  const initdb = start("initdb", [
    "-D",
    data,
    "-U",
    "postgres",
    "--auth=trust",
    "--encoding=UTF8",
    "--no-sync",
  ])
  const [code] = await once(initdb, "exit")
  if (code !== 0) throw new Error(`initdb failed: ${await textOf(initdb.stderr)}`)
  const server = start("postgres", ["-D", data, "-k", data, "-c", "listen_addresses=", "-c", "fsync=off"])
  server.stderr.resume()
  const admin = postgres({ host: data, path: join(data, ".s.PGSQL.5432"), username: "postgres", max: 1 })
  await until("PostgreSQL answers", () => admin`select 1`, 60_000)
  await admin`create role trust_registry login`
  await admin.end()
  return {
    socket: data,
    end: async () => {
      server.kill("SIGINT")
      await once(server, "exit")
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function userPostgres() {
  const users = await readFile("/etc/passwd", "utf8")
  const [, uid, gid] = /^postgres:[^:]*:(\d+):(\d+):/m.exec(users) ?? []
  if (!uid || !gid) throw new Error("PostgreSQL refuses to run as root, and there is no user postgres")
  return { uid: Number(uid), gid: Number(gid) }
}

async function textOf(stream: AsyncIterable<unknown>) {
  let text = ""
  for await (const piece of stream) text += piece
  return text
}
