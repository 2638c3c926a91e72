import { readdirSync, readFileSync } from "node:fs"
import type { Sql } from "./sql.js"

/** A numbered step of the schema. */
interface Migration {
  version: number
  name: string
  text: string
}

const FOLDER = new URL("../../../migrations/", import.meta.url)
/** Keeps two processes that start at once from migrating together. */
const LOCK = 7_166_746_355_081_732_686n

const migrations = readMigrations()

/** The version of the schema that this code needs. */
export const SCHEMA_VERSION = migrations.at(-1)?.version ?? 0

/**
 * Brings the schema to {@link SCHEMA_VERSION}, all steps in one transaction; throws for a schema that is newer.
 * Gives the names of the steps that were taken.
 */
export async function migrate(sql: Sql): Promise<string[]> {
  return await sql.begin(async (transaction) => {
    await transaction`select pg_advisory_xact_lock(${LOCK})`
    // Asked for first: a role that may not make tables can still serve from a schema that is there.
    const [there] = await transaction<
      { table: string | null }[]
    >`select to_regclass('trust_migrations') as table`
    if (!there?.table)
      await transaction`create table trust_migrations (
        version integer primary key, name text not null, applied_at timestamptz not null default now())`
    const rows = await transaction<{ version: number }[]>`
      select coalesce(max(version), 0) as version from trust_migrations`
    const stands = rows[0]?.version ?? 0
    // It may hold rules that this code does not keep.
    if (stands > SCHEMA_VERSION)
      throw new Error(
        `the schema has version ${stands}, and this server knows no later one than ${SCHEMA_VERSION}: start a newer server`,
      )
    const missing = migrations.filter(({ version }) => version > stands)
    for (const { version, name, text } of missing) {
      await transaction.unsafe(text)
      await transaction`insert into trust_migrations (version, name) values (${version}, ${name})`
    }
    return missing.map(({ name }) => name)
  })
}

function readMigrations(): Migration[] {
  const names = readdirSync(FOLDER).filter((name) => /^\d{4}_\w+\.sql$/.test(name))
  return names.sort().map((name) => ({
    version: Number(name.slice(0, 4)),
    name,
    text: readFileSync(new URL(name, FOLDER), "utf8"),
  }))
}
