import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"

/** The oldest PostgreSQL that the registry supports. A dump of the schema is compared with one by the same major version. */
export const MAJOR = 15
/** Debian's place for it; POSTGRES_BIN names another. */
const FOLDER = process.env.POSTGRES_BIN ?? `/usr/lib/postgresql/${MAJOR}/bin`

/** The superuser of the throwaway cluster. */
export const SUPERUSER = "postgres"
/** The role that owns the registry's databases. */
export const OWNER = "trust_registry"

/** A program of PostgreSQL, by its name. */
export function programOf(name: string): string {
  return join(FOLDER, name)
}

/** Runs a program of PostgreSQL, with `input` on its standard input; gives its output. Throws what it wrote to standard error. */
export async function runProgram(name: string, args: readonly string[], input?: string): Promise<string> {
  const running = promisify(execFile)(programOf(name), args, {
    maxBuffer: 1 << 28,
    env: { PATH: process.env.PATH, LC_ALL: "C" },
  })
  running.child.stdin?.end(input)
  const { stdout } = await running
  return stdout
}

/** Runs a script in psql, all of it or nothing. */
export async function psql(connection: Place, user: string, script: string): Promise<void> {
  const options = ["-X", "-q", "--single-transaction", "-v", "ON_ERROR_STOP=1"]
  await runProgram("psql", [...options, ...placeOf(connection, user)], script)
}

/** Where a database is. */
export interface Place {
  readonly host: string
  readonly database: string
}

/** Where a database is, as options of PostgreSQL's programs. */
export function placeOf({ host, database }: Place, user: string): string[] {
  return ["-h", host, "-U", user, "-d", database]
}

/** What stands in the way of running PostgreSQL here, for people; undefined: nothing. */
export async function missingProgram(): Promise<string | undefined> {
  for (const name of ["initdb", "postgres", "pg_dump", "pg_restore", "psql"]) {
    const answer = await runProgram(name, ["--version"]).catch(() => "")
    if (!new RegExp(`\\) ${MAJOR}\\.`).test(answer))
      return `${programOf(name)} of PostgreSQL ${MAJOR}; on Debian: apt-get install postgresql-${MAJOR} (POSTGRES_BIN names another folder)`
  }
  return undefined
}
