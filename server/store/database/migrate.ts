import { createHash } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import { DatabaseUnfit } from "../../connection/failure.js"
import type { Sql, Transaction } from "./sql.js"

/** A part of the schema: a numbered step, or all functions together. */
interface Part {
  name: string
  version: number
  text: string
}

/**
 * The version since which the functions are what they are. A change of one after a release takes the next number that no step
 * has, so that a server of the release before refuses to start instead of putting its own functions back.
 */
const FUNCTIONS_VERSION = 3

const FOLDER = new URL("../../../schema/", import.meta.url)
/** Keeps two processes that start at once from migrating together. */
const LOCK = 7_166_746_355_081_732_686n

const steps: Part[] = filesIn(FOLDER)
  .filter(({ name }) => /^\d{4}_/.test(name))
  .map((file) => ({ ...file, version: Number(file.name.slice(0, 4)) }))
const functions: Part = {
  name: "functions",
  version: FUNCTIONS_VERSION,
  text: filesIn(new URL("functions/", FOLDER))
    .map(({ text }) => text)
    .join("\n"),
}

/** The version of the schema that this code needs. */
export const SCHEMA_VERSION = Math.max(FUNCTIONS_VERSION, steps.at(-1)?.version ?? 0)

/**
 * Brings the schema to {@link SCHEMA_VERSION} in one transaction: the steps that are missing, and the functions where they
 * differ. Gives the names of what was applied. Throws an Error that says what to do for a schema that is newer or was made by
 * other files.
 *
 * @param lockMs how long it may wait for each lock, in milliseconds; 0 is for ever
 */
export async function migrate(sql: Sql, lockMs = 0): Promise<string[]> {
  return await sql.begin(async (transaction) => {
    await transaction`select set_config('lock_timeout', ${String(Math.ceil(lockMs))}, true)`
    await transaction`select pg_advisory_xact_lock(${LOCK})`
    const schema = (await findSchema(transaction)) ?? (await createSchema(transaction))
    const missing = missingParts(await readApplied(transaction), schema)
    if (missing.length > 0) await prepareSession(transaction, schema)
    for (const part of missing) await apply(transaction, part, schema)
    return missing.map(({ name }) => name)
  })
}

/** The schema in which the session finds our tables, as a quoted identifier. */
export async function findSchema(sql: Sql | Transaction): Promise<string | undefined> {
  const rows = await sql<{ name: string }[]>`
    select relnamespace::regnamespace::text as name from pg_class where oid = to_regclass('trust_migrations')`
  return rows[0]?.name
}

/** Only where there is none: a role that may not create tables can serve from a schema that is there. */
async function createSchema(sql: Transaction): Promise<string> {
  await refuseOtherPath(sql)
  await sql`
    create table trust_migrations (
      name text primary key,
      version integer not null,
      checksum text not null,
      applied_at timestamptz not null default now())`
  return (await findSchema(sql)) ?? "public"
}

/**
 * A role or database that lost its search_path, or got another, must not look like a registry without chains. Whoever wants a second
 * registry in one database says so in the connection string.
 */
async function refuseOtherPath(sql: Transaction) {
  const [path] = await sql<{ path: string; source: string; creatable: boolean; others: string }[]>`
    select setting as path, source, current_schema() is not null as creatable, array(
      select n.oid::regnamespace::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relname = 'trust_migrations' and c.relkind = 'r' and has_schema_privilege(n.oid, 'usage') order by 1
    )::text as others
    from pg_settings where name = 'search_path'`
  const { source, creatable, others = "{}" } = path ?? {}
  const shown = JSON.stringify(path?.path ?? "")
  if (others !== "{}" && source !== "client")
    throw new DatabaseUnfit(
      `the setting search_path is ${shown}, and the registry's tables are in ${others}: set search_path to that schema for the ` +
        "role or database, or in DATABASE_URL (?options=-csearch_path%3DSCHEMA), where it may also name the schema of a new registry",
    )
  if (creatable === false)
    throw new DatabaseUnfit(
      `the setting search_path is ${shown}, which names no schema that exists: set it to the schema for the registry's tables`,
    )
}

interface Applied {
  name: string
  version: number
  /** Null in a database that was made before there were checksums. */
  checksum: string | null
}

async function readApplied(sql: Transaction): Promise<Applied[]> {
  return await sql<Applied[]>`
    select name, version, to_jsonb(m) ->> 'checksum' as checksum from trust_migrations m order by version`
}

function missingParts(applied: Applied[], schema: string): Part[] {
  const unreleased = applied.find(({ checksum }) => checksum === null)
  if (unreleased) throw madeByOthers(unreleased)
  const version = Math.max(0, ...applied.map((part) => part.version))
  // It may hold rules that this code does not keep.
  if (version > SCHEMA_VERSION)
    throw new Error(
      `the schema has version ${version}, and this server knows none after ${SCHEMA_VERSION}: start a newer server`,
    )
  const stepsDone = applied.filter(({ name }) => name !== functions.name)
  const other = stepsDone.find((done, place) => {
    const step = steps[place]
    return step?.name !== done.name || checksumOf(step, schema) !== done.checksum
  })
  if (other) throw madeByOthers(other)
  const current = applied.find(({ name }) => name === functions.name)
  const functionsMissing = current?.checksum !== checksumOf(functions, schema)
  return [...steps.slice(stepsDone.length), ...(functionsMissing ? [functions] : [])]
}

function madeByOthers({ name }: Applied) {
  return new Error(
    `the schema was made by a build that was never released: its ${name} is not that of this server, which cannot upgrade it. ` +
      "To keep its chains, write them to a file with the build that made it (trust-registry export --all FILE), start this " +
      "server on an empty database, and read them in (trust-registry import FILE)",
  )
}

/**
 * Functions keep the search path of the moment (`set search_path from current`): they find our tables whatever the path of
 * the session that calls them, and no temporary table takes the place of one.
 */
async function prepareSession(sql: Transaction, schema: string) {
  await sql`
    select set_config('search_path', ${`${schema}, pg_temp`}, true),
      -- The files are in alphabetical order, not in the order of calls.
      set_config('check_function_bodies', 'off', true),
      set_config('client_min_messages', 'warning', true)`
}

async function apply(sql: Transaction, part: Part, schema: string) {
  await sql.unsafe(part.text)
  await sql`
    insert into trust_migrations (name, version, checksum)
    values (${part.name}, ${part.version}, ${checksumOf(part, schema)})
    on conflict (name) do update
    set version = excluded.version, checksum = excluded.checksum, applied_at = excluded.applied_at`
}

/** Functions know the schema that they were made in: after it was renamed, or restored under another name, they are made anew. */
function checksumOf({ name, text }: Part, schema: string): string {
  const place = name === functions.name ? schema : ""
  return createHash("sha256").update(place).update(text).digest("hex")
}

function filesIn(folder: URL) {
  const names = readdirSync(folder).filter((name) => name.endsWith(".sql"))
  return names.sort().map((name) => ({ name, text: readFileSync(new URL(name, folder), "utf8") }))
}
