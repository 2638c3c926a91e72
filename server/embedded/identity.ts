import { execFile } from "node:child_process"
import { chown, readFile, stat } from "node:fs/promises"
import { userInfo } from "node:os"
import { dirname } from "node:path"
import { promisify } from "node:util"
import type { Binaries } from "./binaries.js"
import { EmbeddedPostgresError } from "./errors.js"
import type { Folder } from "./folder.js"

/** The user that PostgreSQL runs as, since it refuses to run as root. */
export interface Identity {
  /** For messages, for example "as the user postgres". */
  readonly name: string
  /** Prefixed to each command; may be empty. */
  readonly prefix: readonly string[]
  /** Passed to the child process; if absent, the user of this process. */
  readonly user?: { readonly uid: number; readonly gid: number }
}

/** An identity that works, and the major version of PostgreSQL that it runs. */
export interface Runner {
  readonly identity: Identity
  readonly major: number
}

/**
 * Finds an identity that can run the programs and write the folder, by trying each: that of this process; for root, a user
 * namespace that maps root to an ordinary user (which also works below root's 0700 home), then the OS user `postgres`, then the
 * owner of the folder. An existing cluster always runs as its owner. Throws CANNOT_RUN with what was tried and what to do.
 */
export async function chooseIdentity(folder: Folder, binaries: Binaries): Promise<Runner> {
  const failures: string[] = []
  for (const identity of await candidates(folder)) {
    try {
      return { identity, major: await probe(identity, folder, binaries) }
    } catch (error) {
      failures.push(`${identity.name}: ${reasonOf(error)}`)
    }
  }
  throw new EmbeddedPostgresError("CANNOT_RUN", explain(folder, failures))
}

async function candidates(folder: Folder): Promise<Identity[]> {
  const users = await readUsers()
  const mapped = inNamespace(users)
  const self = { name: "as the user who started the server", prefix: [] }
  if (process.getuid?.() !== 0) return isNamed() ? [self] : [mapped, self]
  const data = await stat(folder.data).catch(() => undefined)
  if (data) return data.uid === 0 ? [mapped] : [ownerOf(data, "who owns the data")]
  const postgres = users.filter(({ name }) => name === "postgres")
  const above = await stat(dirname(folder.dataDir))
  return [
    mapped,
    ...postgres.map((user) => ({ name: "as the user postgres", prefix: [], user })),
    ...(above.uid === 0 ? [] : [ownerOf(above, "who owns the folder above")]),
  ]
}

function ownerOf({ uid, gid }: { uid: number; gid: number }, why: string): Identity {
  return { name: `as user ${uid}, ${why}`, prefix: [], user: { uid, gid } }
}

/** initdb needs a name for its uid, which a container started with a bare uid does not have. */
function isNamed() {
  try {
    return userInfo().username !== ""
  } catch {
    return false
  }
}

interface User {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

async function readUsers(): Promise<User[]> {
  const text = await readFile("/etc/passwd", "utf8").catch(() => "")
  const fields = text.split("\n").map((line) => line.split(":"))
  return fields.map(([name = "", , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
}

/** Maps root to the ordinary user 1000, or if no user has that uid, to one with a name. */
function inNamespace(users: readonly User[]): Identity {
  const named = users.filter(({ uid }) => uid > 0 && uid < 65534).map(({ uid }) => uid)
  const uid = named.includes(1000) ? 1000 : (named[0] ?? 1000)
  const prefix = ["unshare", "--user", `--map-user=${uid}`, `--map-group=${uid}`, "--"]
  return { name: "in a user namespace", prefix }
}

/** Tries what the real run needs: enter the folder, write there, load the program with its libraries. */
async function probe(identity: Identity, folder: Folder, binaries: Binaries) {
  if (identity.user) await chown(folder.root, identity.user.uid, identity.user.gid)
  const script = 'cd -- "$1" && test -w . && exec "$2" --version'
  const { file, args, options } = childOf(identity, folder, binaries, "/bin/sh", [
    ...["-c", script, "sh", folder.root, binaries.postgres],
  ])
  const { stdout } = await promisify(execFile)(file, args, { ...options, timeout: 20_000 })
  const major = /PostgreSQL\) (\d+)/.exec(stdout)?.[1]
  if (major === undefined) throw new Error(`${binaries.postgres} --version printed ${JSON.stringify(stdout)}`)
  return Number(major)
}

/**
 * How to start a program as that identity: file, arguments and options of `spawn`. The environment starts out empty: a process that
 * outlives us must not inherit PG* variables, a locale or secrets.
 */
export function childOf(
  identity: Identity,
  folder: Folder,
  binaries: Binaries,
  program: string,
  programArgs: readonly string[],
) {
  const [file = program, ...args] = [...identity.prefix, program, ...programArgs]
  const env = { PATH: process.env.PATH ?? "/usr/bin:/bin", LC_ALL: "C", ...binaries.env }
  return { file, args, options: { cwd: folder.root, env, ...identity.user } }
}

function reasonOf(error: unknown) {
  const { stderr, code, message } = error as { stderr?: string; code?: unknown; message: string }
  if (stderr?.trim()) return stderr.trim()
  return code === 1 || code === "EACCES" ? "it cannot enter or write the folder" : message
}

function explain(folder: Folder, failures: readonly string[]) {
  return [
    `the embedded PostgreSQL cannot run on ${folder.dataDir}:`,
    ...failures.map((failure) => `  - ${failure}`),
    process.getuid?.() === 0
      ? "PostgreSQL refuses to run as root. Start the server as an ordinary user who owns the folder; or create an OS user " +
        "`postgres` who can reach the folder and the installed packages; or set DATABASE_URL to a PostgreSQL server"
      : "Take ownership of the folder (chown), choose another with TRUST_REGISTRY_DATA_DIR, or set DATABASE_URL to a PostgreSQL server",
  ].join("\n")
}
